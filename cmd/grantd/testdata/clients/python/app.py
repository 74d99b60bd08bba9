# A web app with a secret: Authlib in Flask.
import os
import secrets

from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, redirect

ISSUER, CLIENT_ID, CLIENT_SECRET = (os.environ[name] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"))
tokens = {}  # of the only user


def keep(_name, token, refresh_token=None, access_token=None):
    tokens.update(token)


app = Flask(__name__)
app.secret_key = secrets.token_hex()
oauth = OAuth(app, update_token=keep)
grantd = oauth.register(
    "grantd",
    client_id=CLIENT_ID,
    client_secret=CLIENT_SECRET,
    server_metadata_url=ISSUER + "/.well-known/openid-configuration",
    client_kwargs={"scope": os.environ["SCOPE"], "code_challenge_method": "S256"},
)


@app.get("/")
def home():
    if not tokens:
        return grantd.authorize_redirect(os.environ["REDIRECT_URI"])
    username = me(tokens)
    first = tokens["access_token"]
    refreshed = me(dict(tokens, expires_at=1))  # the library refreshes what has run out
    if tokens["access_token"] == first:
        raise ValueError("nothing was refreshed")
    userinfo = grantd.userinfo(token=tokens)
    return {"sub": tokens["userinfo"]["sub"], "userinfo": userinfo, "username": username, "refreshed": refreshed}


def me(token):
    answer = grantd.get(ISSUER + "/users/me/", token=token)
    answer.raise_for_status()
    return answer.json()["username"]


@app.get("/callback")
def callback():
    tokens.update(grantd.authorize_access_token())  # checks the state, the nonce and the ID token
    return redirect("/")


@app.get("/revoke")
def revoke():
    endpoints = grantd.load_server_metadata()
    session = OAuth2Session(CLIENT_ID, CLIENT_SECRET, token=tokens)
    session.revoke_token(endpoints["revocation_endpoint"], token_type_hint="refresh_token")
    try:
        session.refresh_token(endpoints["token_endpoint"], tokens["refresh_token"])
    except OAuthError as e:
        return {"refused": e.error}
    return {"refused": ""}


@app.get("/logout")
def logout():
    return grantd.logout_redirect(os.environ["GOODBYE"], id_token_hint=tokens["id_token"])


@app.get("/goodbye")
def goodbye():
    grantd.validate_logout_response()  # the state
    return "goodbye"


app.run(port=int(os.environ["PORT"]))
