"""From the fact to a real mail server, and from the mail's own header back: one click, and nothing more comes."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import msgspec

from bridge.acting.answering import answer
from bridge.gateway.links import read_choice
from bridge.store import Store
from tests.adapters.smtp_server import Mailbox, serving
from tests.automation.linked import BASE, LATER, complain, linking, make_linked, opened, settle_in
from tests.automation.mailing import Vendor, clients_of, tell, work
from tests.desks import ticket
from tests.dump import query

_FORM = {b"content-type": b"application/x-www-form-urlencoded"}


async def test_a_mail_carries_its_own_way_out(store: Store, database_url: str, tmp_path: Path) -> None:
    box = Mailbox()
    async with serving(box) as port:
        settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "service@telekom.example"}
        mail = {"mail": {"adapter": "smtp", "settings": settings}}
        desk = await make_linked(store, tmp_path, linking("renew"), beside=mail)
        outreach = msgspec.structs.replace(desk.rules.outreach, through={"send_email": "mail"})
        desk.rules = msgspec.structs.replace(desk.rules, outreach=outreach)
        await settle_in(desk, tmp_path)
        await complain(desk)
        await work(desk, clients_of(desk, Vendor()), LATER)
        (letter,) = box.letters
        found = re.fullmatch(rf"<{BASE}/l/([\w-]+)>", letter["list-unsubscribe"])
        assert found is not None and letter["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        assert re.search(rf"renew: {BASE}/l/[\w-]+", letter.get_content())
        token = opened(found[1])
        choice = read_choice(_FORM, letter["list-unsubscribe-post"].encode(), token)
        assert choice == "channel"
        assert (await answer(desk, token, choice, LATER)).just_now
        later = LATER + timedelta(days=3)
        await tell(desk, [ticket(8, 1, at=later)], later)
        await work(desk, clients_of(desk, Vendor()), later)
        assert len(box.letters) == 1
    assert await query(database_url, "select reason from run_steps order by at") == [("",), ("opted_out",)]
