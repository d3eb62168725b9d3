"""What composing one message costs, beside three other ways to make the same one.

    python benchmarks/compose.py [PEOPLE]

A message of 60 KB with six slots (subject, name in the text and in the HTML, a column, the way out twice), for 1,000
different people. Interleaved, medians of 5 rounds. The peers: the whole message built by Python's `email` for each; its
bodies filled and then encoded by `base64.encodebytes` for each, between headers that are an f-string; and, as a floor,
`bytes.replace` of six placeholders in a message that is ready but for them, unencoded and unescaped. Then the same with
a DKIM signature, and the peak of the memory that composing takes.
"""

from __future__ import annotations

import base64
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from newsletter.message.compose import Composer, message_id
from newsletter.message.dkim import Signer, load_signer
from newsletter.message.fill_slots import fill, slot_values
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import Email, Slot, Template
from newsletter.model.subscriber import Subscriber

ROUNDS = 5
PEOPLE = 1000
MESSAGE_BYTES = 60_000
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SENDER = Sender(
    "AI Daily",
    "daily@example.com",
    unsubscribe_mailto="leave@example.com",
    unsubscribe_url="https://news.example.com/unsubscribe/{token}",
    list_id="ai-daily.example.com",
    list_help="https://news.example.com/help",
    feedback_id="{issue}:daily:news:example",
    bounce_address="bounce+{token}@example.com",
    secret="not a secret",
)
STORY = '<tr><td style="padding:8px 24px;font-size:16px">今日要闻：模型与芯片 <a href="https://example.com/1">more</a></td></tr>\n'


def email() -> Email:
    stories = STORY * 300
    text = "今日要闻：模型与芯片 https://example.com/1\n" * 60
    room = MESSAGE_BYTES * 72 // 100 - len(text.encode())  # base64 with line ends, and the headers
    stories = stories.encode()[:room].decode(errors="ignore")
    html = (
        "<!doctype html><p>Dear ",
        Slot("name", "html", "reader"),
        f" from </p><table>{stories[: len(stories) // 2]}",
        Slot("city", "html"),
        f'{stories[len(stories) // 2 :]}</table><a href="',
        Slot("unsubscribe_url", "href"),
        '">Unsubscribe</a>',
    )
    plain = ("Dear ", Slot("name", "text", "reader"), f",\n\n{text}\n", Slot("unsubscribe_url", "text"), "\n")
    subject = Template(("For ", Slot("name", "header", "you"), ": today's news"))
    return Email(subject, "", Template(html), Template(plain), "", "zh-CN")


def people(name: Callable[[int], str], count: int) -> list[Subscriber]:
    return [
        Subscriber(address, {"email": address, "name": name(number), "city": "Springfield"})
        for number in range(count)
        for address in [f"reader.{number}@example.net"]
    ]


def with_email(mail: Email, person: Subscriber) -> bytes:
    values = slot_values(SENDER, person)
    message = EmailMessage(policy=SMTP)
    for name, value in headers(mail, person, values).items():
        message[name] = value
    message.set_content(fill(mail.text, values), cte="base64")
    message.add_alternative(fill(mail.html, values), subtype="html", cte="base64")
    return bytes(message)


def with_encodebytes(mail: Email, person: Subscriber) -> bytes:
    values = slot_values(SENDER, person)
    head = "\r\n".join(f"{name}: {value}" for name, value in headers(mail, person, values).items())
    parts = [(kind, fill(template, values)) for kind, template in (("plain", mail.text), ("html", mail.html))]
    part_head = '--=_x\r\nContent-Type: text/{}; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return b"".join(
        [
            head.encode(),
            b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="=_x"\r\n\r\n',
            *(
                part_head.format(kind).encode() + base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")
                for kind, text in parts
            ),
            b"--=_x--\r\n",
        ]
    )


def headers(mail: Email, person: Subscriber, values: Mapping[str, str]) -> dict[str, str]:
    return {
        "From": f"{SENDER.name} <{SENDER.address}>",
        "To": f"{person.name} <{person.email}>",
        "Subject": fill(mail.subject, values),
        "Date": "Mon, 02 Mar 2026 12:00:00 +0000",
        "Message-ID": message_id("2026-03-02", person.email, SENDER),
        "List-Id": f"<{SENDER.list_id}>",
        "List-Unsubscribe": f"<{values['unsubscribe_url']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Precedence": "bulk",
    }


def with_replace(ready: bytes, person: Subscriber) -> bytes:
    name, address = person.name.encode(), person.email.encode()
    for mark, value in (
        (b"@@to@@", address),
        (b"@@subject@@", name),
        (b"@@text@@", name),
        (b"@@html@@", name),
        (b"@@link1@@", address),
        (b"@@link2@@", address),
    ):
        ready = ready.replace(mark, value)
    return ready


def microseconds(make: Callable[[Subscriber], object], readers: list[Subscriber]) -> float:
    started = time.perf_counter()
    for person in readers:
        make(person)
    return (time.perf_counter() - started) / len(readers) * 1e6


def signers() -> dict[str, Signer]:
    keys: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey] = {
        "RSA 2048": rsa.generate_private_key(65537, 2048),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    pems = {n: k.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for n, k in keys.items()}
    return {name: load_signer("example.com", "nl", pem) for name, pem in pems.items()}


def peak_kb(mail: Email, count: int) -> float:
    """The peak of what Python allocates while one composer makes `count` messages and keeps none."""
    composer = Composer(mail, SENDER, issue="2026-03-02", when=NOON)
    tracemalloc.start()
    for number in range(count):
        composer.compose(Subscriber(f"r{number}@example.net", {"name": f"Reader {number}"}))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE
    mail = email()
    composer = Composer(mail, SENDER, issue="2026-03-02", when=NOON)
    plain = people(lambda number: f"Reader {number}", count)
    chinese = people(lambda number: f"读者{number}", count)
    size = len(composer.compose(plain[0]).data)
    slots = b" @@to@@ @@subject@@ @@text@@ @@html@@ @@link1@@ @@link2@@ "
    ready = slots.replace(b" ", b"x" * ((size - len(slots)) // 7))
    ways: dict[str, tuple[Callable[[Subscriber], object], list[Subscriber]]] = {
        "compose": (composer.compose, plain),
        "compose, Chinese names": (composer.compose, chinese),
        "email": (lambda person: with_email(mail, person), plain[:100]),
        "base64.encodebytes": (lambda person: with_encodebytes(mail, person), plain),
        "bytes.replace": (lambda person: with_replace(ready, person), plain),
    }
    for name, signer in signers().items():
        signed = Composer(mail, SENDER, issue="2026-03-02", when=NOON, signer=signer)
        ways[f"compose and sign, {name}"] = (signed.compose, plain[:200])
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (make, readers) in ways.items():
            spent[name].append(microseconds(make, readers))
    medians = {name: statistics.median(times) for name, times in spent.items()}
    print(f"a message of {size:,} bytes, six slots, medians of {ROUNDS} rounds of up to {count:,} people\n")
    for name, each in medians.items():
        print(f"{name:30} {each:9.1f} microseconds, {each / medians['compose']:7.2f} of compose")
    few, many = peak_kb(mail, count // 10), peak_kb(mail, count * 10)
    print(f"\npeak memory of {count // 10:,} messages {few:,.0f} KB, of {count * 10:,} messages {many:,.0f} KB", end="")
    print(f": ratio {many / few:.2f}")


if __name__ == "__main__":
    main()
