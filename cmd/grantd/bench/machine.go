package bench

import (
	"bufio"
	"bytes"
	"os"
	"strings"
)

// processorModel is empty where it is not known: only Linux has it in a file, and not on every architecture.
func processorModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// systemRelease is empty where it is not known.
func systemRelease() string {
	text, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(string(text))
}

// kindOf is all that a report says of a database: its URL may hold a password.
func kindOf(database string) string {
	if strings.HasPrefix(database, "postgres") {
		return "postgres"
	}
	return "sqlite"
}

// noteDisk warns of measurements that no disk was part of.
func (r *Report) noteDisk(folder string) {
	if inMemory(folder) {
		r.note("The database was in memory (%s), where durable commits cost next to nothing: name a folder on a disk with --folder.", folder)
	}
}
