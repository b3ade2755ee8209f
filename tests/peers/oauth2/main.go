// Go x/oauth2 with go-oidc as an app: discovery, code with PKCE, ID token, userinfo, refresh, credentials of
// its own, device grant. Says `OPEN url` when a person has to decide in a browser, and reads where that led;
// says `DONE json` at the end.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	lines := bufio.NewReader(os.Stdin)
	provider := must(oidc.NewProvider(ctx, os.Getenv("ISSUER")))
	id, secret := os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET")
	app := oauth2.Config{
		ClientID: id, ClientSecret: secret, Endpoint: provider.Endpoint(),
		RedirectURL: os.Getenv("REDIRECT"), Scopes: strings.Split(os.Getenv("SCOPE"), " "),
	}
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	fmt.Println("OPEN", app.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)))
	back := must(url.Parse(strings.TrimSpace(must(lines.ReadString('\n'))))).Query()
	if back.Get("state") != state {
		log.Fatal("state")
	}
	token := must(app.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier)))
	idToken := must(provider.Verifier(&oidc.Config{ClientID: id}).Verify(ctx, token.Extra("id_token").(string)))
	if idToken.Nonce != nonce || idToken.VerifyAccessToken(token.AccessToken) != nil {
		log.Fatal("nonce or at_hash")
	}
	var claims map[string]any
	if err := idToken.Claims(&claims); err != nil {
		log.Fatal(err)
	}
	user := must(provider.UserInfo(ctx, app.TokenSource(ctx, token)))
	// One that is over is refreshed by itself.
	old := *token
	old.Expiry = time.Now().Add(-time.Hour)
	refreshed := must(app.TokenSource(ctx, &old).Token())

	done := map[string]any{
		"claims": claims, "user": map[string]any{"sub": user.Subject, "email": user.Email}, "refreshed": refreshed,
	}
	if secret == "" {
		// x/oauth2 begins a device grant by client_id alone, which is for clients without a secret.
		app.Scopes = []string{"nodes:read"}
		device := must(app.DeviceAuth(ctx))
		fmt.Println("OPEN", device.VerificationURIComplete)
		must(lines.ReadString('\n'))
		done["byDevice"] = must(app.DeviceAccessToken(ctx, device))
	} else {
		own := clientcredentials.Config{
			ClientID: id, ClientSecret: secret, TokenURL: provider.Endpoint().TokenURL, Scopes: []string{"nodes:read"},
		}
		done["own"] = must(own.Token(ctx))
	}
	fmt.Println("DONE", string(must(json.Marshal(done))))
}
