"""A mail server for the tests: aiosmtpd, as its users set it up. Prints the port that it listens on, then each
message that it has taken, one JSON object a line."""

import argparse
import asyncio
import email
import email.policy
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

flags = argparse.ArgumentParser()
flags.add_argument("--tls", choices=["starttls", "tls", "none"], required=True)
flags.add_argument("--certificate")
flags.add_argument("--key")
flags.add_argument("--password", help="of the user `wonder`; without one nobody has to log in")
flags.add_argument("--refuse", action="store_true", help="take no recipient")
flags.add_argument("--stall", action="store_true", help="take the message, and never say so")
flags = flags.parse_args()


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if flags.refuse:
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if flags.stall:
            await asyncio.sleep(3600)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name: str(value) for name, value in message.items()},
            "text": message.get_content(),
            "encrypted": session.ssl is not None or flags.tls == "tls",
            "user": session.auth_data.login.decode() if session.auth_data else None,
        }
        print(json.dumps(told), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.login == b"wonder" and data.password == flags.password.encode()
    return AuthResult(success=right, handled=False, auth_data=data)


async def main():
    context = None
    if flags.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(flags.certificate, flags.key)
    options = {}
    if flags.tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if flags.password:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": flags.tls == "starttls"}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="mail.test", **options),
        "127.0.0.1",
        0,
        ssl=context if flags.tls == "tls" else None,
    )
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
