#!/usr/bin/env python3
"""oauth-server.py FOLDER [CERTIFICATE KEY]: an authorization server that misbehaves as it is told.

Prints the port of its free loopback listener, then serves until it is killed; over TLS with a certificate. Device codes
(RFC 8628), codes for a browser with PKCE (RFC 7636), refresh tokens that are good once (RFC 6749 section 6), and
introspection (RFC 7662) for a mail server. What was asked is appended to FOLDER/requests.log, with grant and outcome.
FOLDER/behaviour.json is read at each request:
  pending N        so many polls of a device code are answered authorization_pending
  slow_down N      and so many before that slow_down
  device_error, code_error, refresh_error E    the grant ends with this error, and status (400)
  consent denied   the browser comes back with access_denied; forged: with another state first
  lifetime N       seconds a token is said to be good for (3600); real_lifetime N: and is, where that differs
  revoked N        tokens up to the N-th are not active
  rotation false   the refresh token stays
  client_secret S  is demanded
  username U       whom introspection names (anna)
  body huge, redirect, garbage, chunked        how the token endpoint answers

oauth-server.py --browse URL: a browser that goes where it is sent, and prints the last page.
oauth-server.py --token PORT: another program that gets an access token of the server there, and prints it.
"""
import base64
import hashlib
import http.server
import json
import os
import secrets
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

LOCK = threading.Lock()
STATE = {"devices": {}, "codes": {}, "refresh": {}, "access": {}, "count": 0}


class Refusal(Exception):
    def __init__(self, error, status=400):
        super().__init__(error)
        self.error, self.status = error, status


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = secure = None

    def log_message(self, *arguments):
        pass

    def behaviour(self):
        for _ in range(100):
            try:
                with open(os.path.join(self.folder, "behaviour.json")) as file:
                    return json.load(file)
            except FileNotFoundError:
                return {}
            except ValueError:
                # It is being written.
                time.sleep(0.01)
        raise Refusal("server_error", 500)

    def note(self, *words):
        with LOCK, open(os.path.join(self.folder, "requests.log"), "a") as log:
            log.write(" ".join(str(word) for word in words) + "\n")

    def base(self):
        return f"http{'s' if self.secure else ''}://127.0.0.1:{self.server.server_port}"

    def answer(self, status, value, headers=(), chunked=False):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 7):
                piece = body[start:start + 7]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass

    # The browser, and the mail server.

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        behaviour = self.behaviour()
        if url.path == "/authorize":
            return self.authorize(query, behaviour)
        if url.path == "/introspect":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            with LOCK:
                known = STATE["access"].get(token)
            active = bool(known) and known["end"] > time.time() and known["number"] > behaviour.get("revoked", 0)
            self.note("introspect", active)
            found = {"active": True, "username": behaviour.get("username", "anna")} if active else {"active": False}
            return self.answer(200, found)
        self.answer(404, {})

    def authorize(self, query, behaviour):
        wanted = ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge"]
        if any(not query.get(name) for name in wanted) or query["code_challenge_method"] != "S256":
            return self.answer(400, {"error": "invalid_request"})
        back = {"state": query["state"]}
        if behaviour.get("consent") == "denied":
            back |= {"error": "access_denied", "error_description": "The user said no"}
        else:
            code = "code/" + secrets.token_urlsafe(12)
            with LOCK:
                STATE["codes"][code] = query
            back["code"] = code
        if behaviour.get("consent") == "forged":
            # Somebody else's answer comes first, and must change nothing.
            forged = query["redirect_uri"] + "?" + urllib.parse.urlencode({"code": "theirs", "state": "theirs"})
            try:
                urllib.request.urlopen(forged)
            except urllib.error.HTTPError as error:
                self.note("forged", error.code)
        self.note("authorize", query["scope"])
        self.answer(302, b"", [("Location", query["redirect_uri"] + "?" + urllib.parse.urlencode(back))])

    # The client.

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
        behaviour = self.behaviour()
        grant = form.get("grant_type", self.path[1:]).split(":")[-1]
        try:
            if form.get("client_id") != "mailarc-tests":
                raise Refusal("invalid_client", 401)
            if form.get("client_secret") != behaviour.get("client_secret"):
                raise Refusal("invalid_client", 401)
            value = self.device(form) if self.path == "/device" else self.token(grant, form, behaviour)
            self.note(grant, "ok")
        except Refusal as refusal:
            self.note(grant, refusal.error)
            value = {"error": refusal.error, "error_description": f"because of {refusal.error}"}
            return self.answer(refusal.status, value)
        body = behaviour.get("body")
        if body == "huge":
            return self.answer(200, value | {"padding": "x" * 200_000})
        if body == "redirect":
            return self.answer(307, b"", [("Location", self.base() + "/elsewhere")])
        if body == "garbage":
            return self.answer(200, b"<html>Welcome to the hotel</html>")
        self.answer(200, value, chunked=body == "chunked")

    def device(self, form):
        code = secrets.token_urlsafe(12)
        with LOCK:
            STATE["devices"][code] = 0
        page = self.base() + "/activate"
        return {"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": page, "expires_in": 900,
                "verification_uri_complete": page + "?user_code=WDJB-MJHT", "interval": 0}

    def token(self, grant, form, behaviour):
        if self.path != "/token":
            raise Refusal("invalid_request", 404)
        kind = {"device_code": "device", "authorization_code": "code", "refresh_token": "refresh"}.get(grant)
        with LOCK:
            if kind == "device":
                self.poll(form.get("device_code"), behaviour)
            elif kind == "code":
                self.exchange(form)
            elif kind == "refresh":
                if form.get("refresh_token") not in STATE["refresh"]:
                    raise Refusal("invalid_grant")
            else:
                raise Refusal("unsupported_grant_type")
            if f"{kind}_error" in behaviour:
                raise Refusal(behaviour[f"{kind}_error"], behaviour.get("status", 400))
            return self.issue(form.get("refresh_token"), behaviour)

    def poll(self, code, behaviour):
        if code not in STATE["devices"]:
            raise Refusal("invalid_grant")
        STATE["devices"][code] += 1
        count, slow = STATE["devices"][code], behaviour.get("slow_down", 0)
        if count <= slow:
            raise Refusal("slow_down")
        if count <= slow + behaviour.get("pending", 0):
            raise Refusal("authorization_pending")

    def exchange(self, form):
        asked = STATE["codes"].pop(form.get("code"), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if not asked or asked["redirect_uri"] != form.get("redirect_uri") or asked["code_challenge"] != challenge:
            raise Refusal("invalid_grant")

    def issue(self, refresh, behaviour):
        STATE["count"] += 1
        access = f"access-{STATE['count']}-{secrets.token_urlsafe(24)}"
        lifetime = behaviour.get("lifetime", 3600)
        STATE["access"][access] = {
            "number": STATE["count"], "end": time.time() + behaviour.get("real_lifetime", lifetime)}
        value = {"access_token": access, "token_type": "Bearer", "expires_in": lifetime, "scope": "mail"}
        if refresh and behaviour.get("rotation") is False:
            return value
        # An old refresh token is good once.
        STATE["refresh"].pop(refresh, None)
        fresh = "refresh-" + secrets.token_urlsafe(24)
        STATE["refresh"][fresh] = True
        return value | {"refresh_token": fresh}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        # A client that does not trust the certificate goes away in the middle of the handshake.
        pass


def main():
    if sys.argv[1] == "--browse":
        try:
            with urllib.request.urlopen(sys.argv[2]) as page:
                print(page.read().decode())
        except urllib.error.HTTPError as error:
            print(error.code, error.read().decode())
        return
    if sys.argv[1] == "--token":
        def ask(path, **fields):
            body = urllib.parse.urlencode({"client_id": "mailarc-tests"} | fields).encode()
            with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/{path}", body) as answer:
                return json.load(answer)
        code = ask("device", scope="mail")["device_code"]
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        print(ask("token", grant_type=grant, device_code=code)["access_token"])
        return
    Handler.folder = sys.argv[1]
    server = Server(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 3:
        Handler.secure = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        # The handshake belongs to the connection's own thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_port, flush=True)
    server.serve_forever()


main()
