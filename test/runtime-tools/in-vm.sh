#!/bin/sh
# Runs the validation programs that ask for what a development machine may lack, AppArmor and every capability, with box,
# runc and crun where there is both: in a virtual machine, into which `make conformance-vm` takes them.
#
# The programs' probe does not look at its own profile, so that passing says little. Hence two counter-proofs: the program
# has to fail where no profile of that name is loaded, and where the profile keeps the probe from its configuration, which
# stops only what is confined by it.
set -eu
[ -e /vm/command ] || { echo "only in a machine of tools/vm" >&2; exit 2; }
box=$PWD/build/box
cd build/conformance/suite
failed=0
row=0

load() { # load RULES: the profile that linux_process_apparmor_profile asks for; it allows everything but for these
	echo "profile acme_secure_profile flags=(attach_disconnected) {
		file, capability, network, unix, signal, ptrace, mount, umount, $1 }" | apparmor_parser --replace --skip-cache
}

outcome() { # outcome PROGRAM RUNTIME: a program that reports no test at all has not passed
	output=$VM_OUTPUT/$row-${2##*/}.txt
	if RUNTIME=$2 timeout 120 "./$1" >"$output" 2>&1 && grep -q '^ok ' "$output" && ! grep -q '^not ok ' "$output"; then
		echo passes
	else
		echo fails
	fi
}

must() { # must OUTCOME PROGRAM WHERE: with each runtime
	row=$((row + 1))
	line="| $2 | $3 |"
	for runtime in "$box" runc crun; do
		seen=$(outcome "$2" "$runtime")
		[ "$seen" = "$1" ] || failed=1
		line="$line $seen |"
	done
	echo "$line"
}

echo "Linux $(uname -r), $(runc --version | head -n 1), $(crun --version | head -n 1)"
echo "| program | where | box | runc | crun |"
echo "| --- | --- | --- | --- | --- |"
must fails linux_process_apparmor_profile "there is no profile of that name"
load ""
must passes linux_process_apparmor_profile "the profile is loaded"
load "deny /config.json r,"
must fails linux_process_apparmor_profile "the profile keeps the probe from its configuration"
must passes process_capabilities "root has every capability"
exit $failed
