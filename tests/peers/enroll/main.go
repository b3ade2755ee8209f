// Enroll registers devices with an auth key and prints their private node keys, one a line: what a
// load generator needs to talk to a relay that admits only the nodes of its coordinator.
//
//	TS_AUTH_KEY=… enroll -server http://127.0.0.1:8080 -n 100 >keys
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"tailscale.com/control/ts2021"
	"tailscale.com/net/netmon"
	"tailscale.com/net/tsdial"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

const atOnce = 16

func main() {
	server := flag.String("server", "", "the coordinator's `URL`")
	n := flag.Int("n", 1, "devices")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	serverKey, err := fetchKey(ctx, *server)
	if err != nil {
		log.Fatal(err)
	}
	keys := make([]key.NodePrivate, *n)
	turns := make(chan int)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range turns {
				keys[i] = key.NewNode()
				if err := register(ctx, *server, serverKey, keys[i], fmt.Sprintf("relay-%d", i)); err != nil {
					log.Fatalf("device %d: %v", i, err)
				}
			}
		})
	}
	for i := range keys {
		turns <- i
	}
	close(turns)
	workers.Wait()
	for _, k := range keys {
		text, err := k.MarshalText()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(text))
	}
}

// fetchKey asks for the coordinator's public noise key.
func fetchKey(ctx context.Context, server string) (key.MachinePublic, error) {
	var keys tailcfg.OverTLSPublicKeyResponse
	url := fmt.Sprintf("%s/key?v=%d", server, tailcfg.CurrentCapabilityVersion)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return keys.PublicKey, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return keys.PublicKey, err
	}
	defer response.Body.Close()
	return keys.PublicKey, json.NewDecoder(response.Body).Decode(&keys)
}

// register is one device's registration over a noise connection of its own.
func register(ctx context.Context, server string, serverKey key.MachinePublic, node key.NodePrivate, name string) error {
	dialer := &tsdial.Dialer{Logf: logger.Discard}
	dialer.SetNetMon(netmon.NewStatic())
	client, err := ts2021.NewClient(ts2021.ClientOpts{
		ServerURL: server, ServerPubKey: serverKey, PrivKey: key.NewMachine(), Dialer: dialer, Logf: logger.Discard,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	response, err := client.Post(ctx, "/machine/register", node.Public(), tailcfg.RegisterRequest{
		Version:  tailcfg.CurrentCapabilityVersion,
		NodeKey:  node.Public(),
		Auth:     &tailcfg.RegisterResponseAuth{AuthKey: os.Getenv("TS_AUTH_KEY")},
		Hostinfo: &tailcfg.Hostinfo{Hostname: name, OS: "linux", BackendLogID: name},
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer tailcfg.RegisterResponse
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("HTTP %d: %w", response.StatusCode, err)
	}
	if answer.Error != "" || !answer.MachineAuthorized {
		return fmt.Errorf("HTTP %d: not authorized: %q", response.StatusCode, answer.Error)
	}
	return nil
}
