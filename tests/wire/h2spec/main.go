// Runs h2spec's cases against a server: main HOST PORT REPORT [tls].
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/summerwind/h2spec"
	"github.com/summerwind/h2spec/config"
)

func main() {
	port, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	_, err = h2spec.Run(&config.Config{
		Host:         os.Args[1],
		Port:         port,
		Path:         "/_c10m/health",
		Timeout:      10 * time.Second,
		MaxHeaderLen: 4000,
		JUnitReport:  os.Args[3],
		TLS:          len(os.Args) > 4,
		Insecure:     true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
