package label

import "github.com/opencontainers/selinux/go-selinux"

// FileLabel is what runtimetest calls; newer versions of the package have it elsewhere only.
func FileLabel(path string) (string, error) {
	return selinux.FileLabel(path)
}
