"""Salesforce's REST API, as far as its developer guides describe what the adapter may ask.

https://developer.salesforce.com/docs/platform/api-rest/guide/ and the SOQL and SOSL reference
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import httpx

from contract_tests.fakes import Trouble

TOKEN = "00DAa0000000000!AQ4AQFakeSessionOfThisOrg"
STARTED = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
_ROOT = r"/services/data/v\d+\.0/"
_PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Contract": "800",
    "Opportunity": "006",
    "Case": "500",
    "Task": "00T",
}
_MERGEABLE = ("Account", "Contact", "Case")
_SHARED = (
    "Id:id OwnerId:reference IsDeleted:boolean CreatedDate:datetime LastModifiedDate:datetime SystemModstamp:datetime"
)
_FIELDS = {
    "Account": "Name:string Type:picklist MasterRecordId:reference Phone:phone",
    "Contact": """Name:string FirstName:string LastName:string Salutation:picklist Email:email Phone:phone
        MobilePhone:phone HomePhone:phone OtherPhone:phone AccountId:reference Title:string HasOptedOutOfEmail:boolean
        DoNotCall:boolean IndividualId:reference MasterRecordId:reference Kundennummer__c:string""",
    "Contract": """AccountId:reference Status:picklist StatusCode:picklist StartDate:date EndDate:date
        Monatsbetrag__c:currency""",
    "Opportunity": "Name:string AccountId:reference Amount:currency CloseDate:date IsWon:boolean IsClosed:boolean",
    "Case": """ContactId:reference AccountId:reference SuppliedEmail:email SuppliedPhone:string Type:picklist
        Status:picklist Priority:picklist Subject:string Description:textarea ClosedDate:datetime IsClosed:boolean
        MasterRecordId:reference""",
    "Task": """WhoId:reference AccountId:reference TaskSubtype:picklist CallType:picklist CallDisposition:string
        CallDurationInSeconds:int CompletedDateTime:datetime ActivityDate:date IsClosed:boolean Subject:string
        Description:textarea""",
    "Individual": "Name:string HasOptedOutProfiling:boolean DeathDate:date",
}
_LEADS_TO = {
    "OwnerId": ["User"],
    "AccountId": ["Account"],
    "IndividualId": ["Individual"],
    "WhoId": ["Contact", "Lead"],
}
_PHONES = ("Phone", "MobilePhone", "HomePhone", "OtherPhone")

Row: TypeAlias = dict[str, Any]
Test: TypeAlias = Callable[[Row], bool]


class Refusal(Exception):
    """An error of the API: a list with one object."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = httpx.Response(status, json=[{"message": message, "errorCode": code}])


class Fake:
    """One org. Whatever changes is also seen by the list of deletions, which knows minutes only."""

    def __init__(self) -> None:
        self.trouble: Trouble = ""
        self.page_size = 3
        self.nobody = _id("003", 999_999)
        self.rows: dict[str, dict[str, Row]] = {name: {} for name in _PREFIXES}
        self.deletions: dict[str, list[tuple[str, datetime]]] = {name: [] for name in _PREFIXES}
        self._clock = STARTED
        self._last = 0

    def fill(self, stream: str, count: int) -> set[str]:
        return {self._make(stream.capitalize())["Id"] for _ in range(count)}

    def touch(self, stream: str, number: str) -> None:
        self._change(stream.capitalize(), number)

    def remove(self, stream: str, number: str) -> bool:
        self._change(stream.capitalize(), number, IsDeleted=True)
        self.deletions[stream.capitalize()].append((number, self._clock))
        return True

    def destroy(self, stream: str, number: str) -> None:
        """Deleted for good: also gone from the recycle bin."""
        self.remove(stream, number)
        del self.rows[stream.capitalize()][number]

    def merge(self, stream: str, loser: str, winner: str) -> bool:
        if stream.capitalize() not in _MERGEABLE:
            return False
        self.remove(stream, loser)
        self.rows[stream.capitalize()][loser]["MasterRecordId"] = winner
        self.rows[stream.capitalize()][winner]["SystemModstamp"] = _written(self._clock)
        return True

    def pass_time(self, step: timedelta) -> None:
        """The org's clock goes on."""
        self._clock += step

    def add_person(self, *, phone: str, email: str, external_id: str) -> str:
        row = self._make("Contact") | {"Phone": phone, "Email": email, "Kundennummer__c": external_id}
        self.rows["Contact"][row["Id"]] = row
        return str(row["Id"])

    def authorises(self, request: httpx.Request) -> bool:
        return request.url.path == "/services/oauth2/token"

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.authorises(request):
            return _token(parse_qs(request.content.decode()))
        try:
            return self._answer(request)
        except Refusal as refusal:
            return refusal.answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")
        found = re.fullmatch(_ROOT + r"(.+?)/?", request.url.path)
        match found[1].split("/") if found and request.method == "GET" else []:
            case ["sobjects", name, "describe"]:
                data: Any = _description(name)
            case ["sobjects", name, "deleted"]:
                data = self._deleted(name, request.url.params["start"], request.url.params["end"])
            case ["query" | "queryAll" as resource]:
                data = self._query(request.url.params["q"], with_deleted=resource == "queryAll")
            case ["search"]:
                data = self._search(request.url.params["q"])
            case _:
                raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
        return httpx.Response(200, json=data, headers={"Sforce-Limit-Info": "api-usage=18/5000"})

    def _query(self, query: str, *, with_deleted: bool) -> dict[str, Any]:
        found = re.fullmatch(
            r"SELECT (?P<fields>.+?) FROM (?P<object>\w+)(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>[\w, ]+?))?"
            r"(?: LIMIT (?P<limit>\d+))?",
            query,
        )
        if found is None:
            raise Refusal(400, "MALFORMED_QUERY", "unexpected token")
        name = found["object"]
        known = _types(name)
        test = Condition(found["where"], known).test if found["where"] else lambda row: True
        rows = [row for row in self.rows[name].values() if with_deleted or not row["IsDeleted"]]
        order = [field.strip() for field in (found["order"] or "Id").split(",")]
        rows.sort(key=lambda row: [row[field] for field in order])
        chosen = rows if self.trouble == "unfiltered" else [row for row in rows if test(row)]
        chosen = chosen[: int(found["limit"] or len(rows))]
        page, done = chosen[: self.page_size], len(chosen) <= self.page_size
        if self.trouble == "stuck":
            page, done = rows[: self.page_size], False
        if self.trouble == "clamped" and done:
            page, done = rows[-self.page_size :], False
        if self.trouble == "unfiltered":
            page, done = chosen, True
        records = [_shown(row, name, found["fields"].split(", ")) for row in page]
        more = {} if done else {"nextRecordsUrl": "/services/data/v60.0/query/0r8Aa0000000001-2000"}
        return {"totalSize": len(chosen), "done": done, **more, "records": records}

    def _search(self, search: str) -> dict[str, Any]:
        found = re.fullmatch(r"FIND \{(.+)\} IN PHONE FIELDS RETURNING (\w+)\((.+?)(?: LIMIT \d+)?\)", search)
        if found is None:
            raise Refusal(400, "MALFORMED_SEARCH", "The search term must be enclosed in braces.")
        terms, name = [_words(term) for term in found[1].split(" OR ")], found[2]
        _types(name)
        rows = [
            row
            for row in self.rows[name].values()
            if self.trouble == "unfiltered" or any(_heard(str(row[field] or ""), terms) for field in _PHONES)
        ]
        return {"searchRecords": [_shown(row, name, found[3].split(", ")) for row in rows if not row["IsDeleted"]]}

    def _deleted(self, name: str, start: str, end: str) -> dict[str, Any]:
        _types(name)
        first, last = (datetime.fromisoformat(text).replace(second=0) for text in (start, end))
        if last - first <= timedelta(minutes=1):
            raise Refusal(400, "INVALID_REPLICATION_DATE", "startDate before endDate by more than one minute")
        listed = [(number, at) for number, at in self.deletions[name] if first <= at < last]
        return {
            "deletedRecords": [{"id": number, "deletedDate": _written(at)} for number, at in listed],
            "earliestDateAvailable": _written(STARTED - timedelta(days=15)),
            "latestDateCovered": _written(last),
        }

    def _make(self, name: str) -> Row:
        self._last += 1
        stamp = _written(self._clock)
        row: Row = dict.fromkeys(_types(name))
        row |= {
            "Id": _id(_PREFIXES[name], self._last),
            "OwnerId": _id("005", 1),
            "IsDeleted": False,
            "CreatedDate": stamp,
            "LastModifiedDate": stamp,
            "SystemModstamp": stamp,
            **_usual(name, self._last),
        }
        self.rows[name][row["Id"]] = row
        return row

    def _change(self, name: str, number: str, **fields: Any) -> None:
        self._clock += timedelta(seconds=1)
        stamp = _written(self._clock)
        self.rows[name][number] |= {"LastModifiedDate": stamp, "SystemModstamp": stamp, **fields}


class Condition:
    """A WHERE clause: comparisons, AND, OR, brackets. As in SOQL, AND and OR do not stand side by side."""

    def __init__(self, text: str, types: dict[str, str]) -> None:
        self._tokens = re.findall(r"'(?:\\.|[^'\\])*'|[()]|[<>]=?|!?=|[^\s()<>=!']+", text)
        self._types = types
        self.test = self._any()
        if self._tokens:
            raise Refusal(400, "MALFORMED_QUERY", "unexpected token")

    def _any(self) -> Test:
        tests, word = [self._one()], ""
        while self._tokens and self._tokens[0] in ("AND", "OR"):
            if word not in ("", self._tokens[0]):
                raise Refusal(400, "MALFORMED_QUERY", "AND and OR need brackets")
            word = self._tokens.pop(0)
            tests.append(self._one())
        every = any if word == "OR" else all
        return lambda row: every(test(row) for test in tests)

    def _one(self) -> Test:
        if self._tokens[0] == "(":
            self._tokens.pop(0)
            inner = self._any()
            self._tokens.pop(0)
            return inner
        field, sign, literal = (self._tokens.pop(0) for _ in range(3))
        if field not in self._types:
            raise Refusal(400, "INVALID_FIELD", f"No such column '{field}'")
        type = self._types[field]
        wanted = self._value(type, literal)

        def test(row: Row) -> bool:
            held = row[field]
            if held is None:
                return False
            if type == "datetime":
                held = datetime.fromisoformat(held)
            elif type not in ("id", "reference"):
                held = str(held).casefold()
            return bool({"=": held == wanted, ">": held > wanted, ">=": held >= wanted, "<=": held <= wanted}[sign])

        return test

    def _value(self, type: str, literal: str) -> Any:
        quoted = literal.startswith("'")
        if quoted == (type in ("datetime", "boolean", "currency", "int")):
            raise Refusal(400, "INVALID_FIELD", f"value of filter criterion must be of type {type}")
        text = re.sub(r"\\(.)", r"\1", literal[1:-1]) if quoted else literal
        if type == "datetime":
            return datetime.fromisoformat(text)
        if type in ("id", "reference"):
            if not re.fullmatch(r"\w{15}|\w{18}", text):
                raise Refusal(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field")
            return text
        return text.casefold()


def _token(form: dict[str, list[str]]) -> httpx.Response:
    if form.get("grant_type") != ["client_credentials"] or "client_id" not in form or "client_secret" not in form:
        return httpx.Response(400, json={"error": "invalid_client", "error_description": "invalid client credentials"})
    answer = {
        "access_token": TOKEN,
        "signature": "c2lnbmF0dXJl",
        "token_format": "opaque",
        "instance_url": "https://acme.my.salesforce.com",
        "id": "https://login.salesforce.com/id/00DAa0000000000MAA/005Aa0000000001AAA",
        "token_type": "Bearer",
        "issued_at": "1772442000000",
    }
    return httpx.Response(200, json=answer)


def _types(name: str) -> dict[str, str]:
    if name not in _FIELDS:
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    return dict(pair.split(":") for pair in f"{_SHARED} {_FIELDS[name]}".split())


def _description(name: str) -> dict[str, Any]:
    fields = []
    for field, type in _types(name).items():
        leads_to = _LEADS_TO.get(field, [])
        if field == "OwnerId" and name in ("Case", "Task"):
            leads_to = ["Group", "User"]
        relation = field.removesuffix("Id") if leads_to else None
        fields.append({"name": field, "type": type, "referenceTo": leads_to, "relationshipName": relation})
    return {"name": name, "queryable": True, "replicateable": True, "fields": fields}


def _shown(row: Row, name: str, fields: list[str]) -> Row:
    shown: Row = {"attributes": {"type": name, "url": f"/services/data/v60.0/sobjects/{name}/{row['Id']}"}}
    for field in fields:
        relation, _, rest = field.partition(".")
        if not rest:
            if field not in row:
                raise Refusal(400, "INVALID_FIELD", f"No such column '{field}' on entity '{name}'")
            shown[field] = row[field]
        elif relation == "Owner":
            shown["Owner"] = {
                "attributes": {"type": "User", "url": "/services/data/v60.0/sobjects/User/x"},
                rest: "Ada Ost",
            }
        else:
            shown[relation] = None
    return shown


def _words(term: str) -> list[str]:
    """The tokens of one search term. Signs of the query language have to be escaped or stand for themselves."""
    plain = re.sub(r"\\(.)", r" ", term.strip('"'))
    if re.search(r"[?&|!{}\[\]()^~*:\\\"'+-]", plain):
        raise Refusal(400, "MALFORMED_SEARCH", "a reserved character is not escaped")
    return re.findall(r"\w+", plain)


def _heard(field: str, terms: list[list[str]]) -> bool:
    """The index knows a number's groups of digits, and all its digits as one word."""
    groups = re.findall(r"\d+", field)
    whole = "".join(groups)
    return any(
        words == [whole] or any(words == groups[at : at + len(words)] for at in range(len(groups))) for words in terms
    )


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _id(prefix: str, number: int) -> str:
    """15 characters, and 3 that say of each five which are capitals."""
    short = f"{prefix}Aa{number:010d}"
    bits = [
        "".join("1" if one in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" else "0" for one in short[at : at + 5]) for at in (0, 5, 10)
    ]
    return short + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[int(five[::-1], 2)] for five in bits)


def _usual(name: str, number: int) -> Row:
    usual: dict[str, Row] = {
        "Account": {"Name": "Acme GmbH", "Type": "Customer - Direct"},
        "Contact": {
            "Name": "Sample Customer",
            "LastName": "Customer",
            "Email": f"customer{number}@example.org",
            "HasOptedOutOfEmail": False,
            "DoNotCall": False,
        },
        "Contract": {"AccountId": _id("001", 1), "Status": "Activated", "StatusCode": "Activated"},
        "Opportunity": {"AccountId": _id("001", 1), "Amount": 1200.0, "CloseDate": "2026-02-27", "IsWon": True},
        "Case": {"ContactId": _id("003", 1), "Status": "New", "Subject": "Router offline", "IsClosed": False},
        "Task": {
            "WhoId": _id("003", 1),
            "TaskSubtype": "Call",
            "CallType": "Inbound",
            "IsClosed": True,
            "CompletedDateTime": _written(STARTED),
        },
    }
    return usual[name]
