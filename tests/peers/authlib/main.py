"""Python authlib as an app: discovery, code with PKCE, ID token, userinfo, refresh, its own credentials,
introspection, revocation. Says `OPEN url` when a person has to decide in a browser, and reads where that led;
says `DONE json` at the end."""

import json
import os
import secrets

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebToken

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
issuer, client_id = os.environ["ISSUER"], os.environ["CLIENT_ID"]
secret, redirect = os.environ.get("CLIENT_SECRET"), os.environ["REDIRECT"]
found = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
method = "client_secret_post" if secret else "none"


def session(**more):
    return OAuth2Session(client_id, secret, token_endpoint_auth_method=method, **more)


verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
app = session(scope=os.environ["SCOPE"], redirect_uri=redirect, code_challenge_method="S256")
url, state = app.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
print("OPEN", url, flush=True)
back = input()
token = app.fetch_token(
    found["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
)
keys = requests.get(found["jwks_uri"], timeout=30).json()
expected = {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}}
expected["nonce"] = {"essential": True, "value": nonce}
claims = JsonWebToken(["ES256"]).decode(token["id_token"], keys, claims_options=expected)
claims.validate()
user = app.get(found["userinfo_endpoint"]).json()
refreshed = dict(app.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"]))
done = {"claims": dict(claims), "user": user, "refreshed": dict(refreshed)}
if secret:
    done["own"] = dict(session(scope="nodes:read").fetch_token(found["token_endpoint"], grant_type="client_credentials"))
    shown = app.introspect_token(found["introspection_endpoint"], token=refreshed["access_token"])
    done["introspected"] = shown.json()
revoked = app.revoke_token(found["revocation_endpoint"], token=done["own"]["access_token"] if secret else "wat_x")
assert revoked.status_code == 200, revoked.text
print("DONE", json.dumps(done), flush=True)
