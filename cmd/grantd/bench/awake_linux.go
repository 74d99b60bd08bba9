package bench

import (
	"io"
	"net"
	"runtime"
	"syscall"
)

// awake is a connection that looks for its answer again and again and never sleeps. Whoever answers a sleeper has to wake it:
// where both have processors of their own that is an interrupt of another one, which costs the server as much as many an answer,
// and more the less busy the load is. It is not the server's cost, and a network would not have it.
type awake struct {
	net.Conn
	raw syscall.RawConn
}

func keepAwake(c net.Conn) (net.Conn, error) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	return &awake{c, raw}, nil
}

// Read implements net.Conn. It ends with the deadline, as that of net does.
func (a *awake) Read(p []byte) (n int, err error) {
	for {
		var failed error
		err := a.raw.Read(func(fd uintptr) (done bool) {
			n, failed = syscall.Read(int(fd), p)
			return true // also when there is nothing yet: false would sleep
		})
		switch {
		case err != nil:
			return 0, err
		case failed == syscall.EAGAIN, failed == syscall.EINTR:
			runtime.Gosched()
		case failed != nil:
			return 0, failed
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}
