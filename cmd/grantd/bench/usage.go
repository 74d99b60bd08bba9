package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
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

// usageOf is what a process and all that it started use. Memory that they share counts for each.
func usageOf(pid int) usage {
	u := usageOfOne(pid)
	for _, child := range childrenOf(pid) {
		c := usageOf(child)
		u.cpu, u.memory, u.peak = u.cpu+c.cpu, u.memory+c.memory, u.peak+c.peak
	}
	return u
}

// childrenOf reads proc_pid_task_tid_children(5).
func childrenOf(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// usageOfOne asks Linux: see proc_pid_stat(5) and proc_pid_status(5).
func usageOfOne(pid int) (u usage) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	status, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || err2 != nil {
		return u
	}
	u.cpu, u.known = processorTime(string(stat))
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		switch name, value, _ := strings.Cut(lines.Text(), ":"); name {
		case "VmRSS":
			u.memory = kilobytes(value)
		case "VmHWM":
			u.peak = kilobytes(value)
		}
	}
	return u
}

// processorTime is that of a process and of its children that have ended.
func processorTime(stat string) (cpu time.Duration, known bool) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:]) // the name before may contain spaces
	if len(fields) < 15 {
		return 0, false
	}
	for _, field := range fields[11:15] { // utime, stime, cutime and cstime, in hundredths of a second
		ticks, _ := strconv.Atoi(field)
		cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	return cpu, true
}

func kilobytes(text string) int64 {
	kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
	return kb << 10
}
