package pgtest

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

var errPortTaken = errors.New("the port is taken")

// retryPort calls f with free ports until one is still free when f uses it. The ports are below
// those that systems give out on their own, so that nobody takes one while its server is stopped.
func retryPort(f func(port int) error) (err error) {
	for range 20 {
		port := 15_000 + rand.IntN(15_000)
		l, listenErr := net.Listen("tcp", address(port))
		if err = listenErr; err != nil {
			continue
		}
		l.Close()
		if err = f(port); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
