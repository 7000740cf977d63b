package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// rotatedFiles keeps what a kubelet rotates, by links: the log API gives nothing of it, and the
// kubelet soon removes it. By them it is told where a line stood that no answer had.
type rotatedFiles struct{ dir string }

// keep links the rotated files beside a container's log that are not kept yet.
func (f rotatedFiles) keep(log string) {
	beside, _ := filepath.Glob(filepath.Join(filepath.Dir(log), "*.log.*"))
	for _, path := range beside {
		if strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".tmp") {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		// By its inode: two rotations within a second give two files one name.
		name := fmt.Sprintf("%s-%d", filepath.Base(path), info.Sys().(*syscall.Stat_t).Ino)
		os.Link(path, filepath.Join(f.dir, name))
	}
}

// where says where a line stood; "": in none of the files that were kept.
func (f rotatedFiles) where(writer string, n int) string {
	kept, _ := os.ReadDir(f.dir)
	for _, file := range kept {
		text, _ := os.ReadFile(filepath.Join(f.dir, file.Name()))
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for i, line := range lines {
			found := ledgerText.FindStringSubmatch(line)
			if found == nil || found[1] != writer || found[2] != strconv.Itoa(n) {
				continue
			}
			return fmt.Sprintf("line %d of %d in %s, which has those of %.23s to %.23s", i+1, len(lines), file.Name(), lines[0],
				lines[len(lines)-1])
		}
	}
	return ""
}
