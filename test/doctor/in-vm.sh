#!/bin/sh
# Executes each command that `box doctor` gives for a setting of the whole machine, and asks doctor again. It changes the
# machine, so it is for one that is thrown away: tools/vm run -- sh test/doctor/in-vm.sh
# What can be wrong in namespaces of its own alone is a test of the acceptance suite (doctor.test.ts).
set -eu
[ -e /vm/command ] || { echo "only in a machine of tools/vm" >&2; exit 2; }
box=$PWD/build/box
failed=0

lines() { # lines MATTER: doctor's line about it, and the next one
	sed -n "/^[a-z]* *$1  /{p;n;p}"
}

mends() { # mends MATTER CMD…: the command asks doctor
	matter=$1
	shift
	before=$("$@" | lines "$matter") || true
	mend=$(printf "%s\n" "$before" | sed -n 's/^ *mend: //p')
	printf "%s\n" "$before"
	case $before in ok*) echo "nothing is wrong with it" && failed=1 ;; esac
	sh -c "$mend" >/dev/null
	# What it starts tells nobody when it is there.
	tries=0
	until after=$("$@" | lines "$matter" | head -n 1) && [ "${after%% *}" = ok ]; do
		tries=$((tries + 1))
		[ $tries -lt 30 ] || { failed=1 && break; }
		sleep 1
	done
	echo "$after"
	echo
}

as_user() {
	runuser -u user -- "$@"
}

in_session() { # as what the user's own manager starts
	systemctl restart user@1000
	as_user env XDG_RUNTIME_DIR=/run/user/1000 systemd-run --user --pipe --wait --quiet --property=Delegate=yes "$@"
}

sysctl -qw kernel.unprivileged_userns_clone=0
mends "user namespace" as_user "$box" doctor
mends "state directory" as_user env -u XDG_RUNTIME_DIR "$box" doctor
rmmod overlay
mends "file systems" "$box" doctor
rm /etc/systemd/system/user@.service.d/delegate.conf
systemctl daemon-reload
mends "delegated cgroups" in_session "$box" doctor
exit $failed
