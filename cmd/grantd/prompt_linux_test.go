package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// A person who types at a terminal, and thinks better of it: the password is not
// shown, Ctrl-C ends the program, and the terminal shows again what is typed.
func TestPromptOnATerminal(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + filepath.Join(t.TempDir(), "grantd.db")
	mustRun(t, "", "migrate", "--database", database)
	terminal, program := openTerminal(t)
	cmd := exec.Command("grantd", "user", "add", "ann", "--database", database)
	cmd.Env = settings()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	var shown buffer
	go func() {
		for chunk := make([]byte, 1024); ; {
			n, err := terminal.Read(chunk)
			shown.Write(chunk[:n])
			if err != nil {
				return
			}
		}
	}()
	eventually(t, "the prompt", func() bool { return strings.Contains(shown.String(), "New password: ") && !echoes(t, program) })
	fmt.Fprintln(terminal, "correct horse battery")
	eventually(t, "the second prompt", func() bool { return strings.Contains(shown.String(), "Once more: ") && !echoes(t, program) })
	terminal.Write([]byte{3}) // Ctrl-C
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("%v", err)
	}
	eventually(t, "the reason", func() bool { return strings.Contains(shown.String(), "grantd: interrupted") })
	if !echoes(t, program) || strings.Contains(shown.String(), "horse") {
		t.Errorf("the terminal is left without echo, or showed the password: %q", shown.String())
	}
	if out := mustRun(t, "", "user", "list", "--database", database, "--output", "json"); out != "[]\n" {
		t.Errorf("somebody was added: %s", out)
	}
}

// openTerminal makes a pseudo-terminal: the side of the person and that of the program.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	var locked, number int32
	control(t, person, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(t, person, syscall.TIOCGPTN, unsafe.Pointer(&number))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	var mode syscall.Termios
	control(t, terminal, syscall.TCGETS, unsafe.Pointer(&mode))
	return mode.Lflag&syscall.ECHO != 0
}

func control(t *testing.T, terminal *os.File, request uintptr, arg unsafe.Pointer) {
	t.Helper()
	raw, err := terminal.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var errno syscall.Errno
	if err := raw.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg))
	}); err != nil || errno != 0 {
		t.Fatal(err, errno)
	}
}
