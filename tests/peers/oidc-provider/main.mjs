#!/usr/bin/env node
// An OpenID provider with everything in memory, on a free port of 127.0.0.1. Prints its issuer when it answers.
// ALG: the algorithm of ID tokens. REDIRECT, LOGGED_OUT, BACKCHANNEL: the client's URIs. Whatever name one logs
// in with is an account, NAME@example.org, verified unless the name begins with `un`.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const { ALG = 'RS256', REDIRECT, LOGGED_OUT, BACKCHANNEL } = process.env;

const kinds = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
};
const jwk = (alg) => ({ ...kinds[alg]().privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() });

const configuration = {
  clients: [{
    client_id: 'wonder',
    client_secret: 'wonder-secret',
    redirect_uris: [REDIRECT],
    post_logout_redirect_uris: [LOGGED_OUT],
    id_token_signed_response_alg: ALG,
    ...(BACKCHANNEL && { backchannel_logout_uri: BACKCHANNEL, backchannel_logout_session_required: true }),
  }],
  jwks: { keys: [...new Set(['RS256', ALG])].map(jwk) },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: id,
      groups: ['operators'],
      email: `${id}@example.org`,
      email_verified: !id.startsWith('un'),
    }),
  }),
  // By default it calls no address of this host, where the tests' coordinator is.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration).callback());
  console.log(issuer);
});
