#!/usr/bin/env node
// npm openid-client as an app: discovery, code with PKCE, ID token, userinfo, refresh, introspection,
// credentials of its own, device grant, revocation, log-out. Says `OPEN url` when a person has to decide in a browser,
// and reads where that led; says `DONE json` at the end.
import * as client from 'openid-client'
import { createInterface } from 'node:readline'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT, SCOPE, LOGGED_OUT } = process.env
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (word, what) => process.stdout.write(`${word} ${what}\n`)
const insecure = { execute: [client.allowInsecureRequests] }

const auth = CLIENT_SECRET ? client.ClientSecretBasic(CLIENT_SECRET) : client.None()
const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, auth, insecure)
// The same by the document of RFC 8414.
await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, auth, { ...insecure, algorithm: 'oauth2' })

const verifier = client.randomPKCECodeVerifier()
const [state, nonce] = [client.randomState(), client.randomNonce()]
const url = client.buildAuthorizationUrl(config, {
  redirect_uri: REDIRECT,
  scope: SCOPE,
  state,
  nonce,
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
})
say('OPEN', url.href)
const back = new URL((await lines.next()).value)
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
const tokens = await client.authorizationCodeGrant(config, back, checks)
const claims = tokens.claims()
const user = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)

const device = await client.initiateDeviceAuthorization(config, { scope: 'nodes:read' })
say('OPEN', device.verification_uri_complete)
await lines.next()
const byDevice = await client.pollDeviceAuthorizationGrant(config, device)

const done = { claims, user, refreshed, byDevice }
if (CLIENT_SECRET) {
  done.introspected = await client.tokenIntrospection(config, refreshed.access_token)
  done.own = await client.clientCredentialsGrant(config, { scope: 'nodes:read' })
}
await client.tokenRevocation(config, byDevice.refresh_token)
if (LOGGED_OUT) {
  const id_token_hint = tokens.id_token
  const out = client.buildEndSessionUrl(config, { post_logout_redirect_uri: LOGGED_OUT, id_token_hint, state })
  say('OPEN', out.href)
  const left = new URL((await lines.next()).value)
  done.loggedOut = left.searchParams.get('state') === state && `${left.origin}${left.pathname}` === LOGGED_OUT
}
say('DONE', JSON.stringify(done))
process.exit(0)
