package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used so far.
type usage struct {
	cpu    time.Duration
	memory int64 // bytes that are resident now
	peak   int64 // the most that were
	known  bool  // only Linux tells
}

// usageOf asks Linux: see proc_pid_stat(5) and proc_pid_status(5).
func usageOf(pid int) (u usage) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	status, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || err2 != nil {
		return u
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may contain spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return u
	}
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		ticks, _ := strconv.Atoi(field)
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), ":"); name {
		case "VmRSS":
			u.memory = kilobytes(value)
		case "VmHWM":
			u.peak = kilobytes(value)
		}
	}
	u.known = true
	return u
}

func kilobytes(text string) int64 {
	kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
	return kb << 10
}
