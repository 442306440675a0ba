package main

import (
	"errors"
	"net"
	"os"
)

// notify tells the service manager the state of this process, such as "READY=1",
// if one asks for it.
//
// https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
func notify(state string) error {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return nil
	}
	if address[0] == '@' { // of the abstract name space
		address = "\x00" + address[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}
