"""The demo site's people and customers, put into an empty database once.

Every person, company and number here is made up; foreign numbers come from ranges that are kept for fiction.
"""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from ctiserver.model.facts import Customer, CustomerNote
from ctiserver.model.ids import AgentId
from ctiserver.model.principal import Role
from ctiserver.model.site import Label
from ctiserver.ports_http import User
from ctiserver.store.customers import add_customer
from ctiserver.store.database import Database
from ctiserver.store.passwords import Passwords
from ctiserver.store.tables import CUSTOMERS, USERS
from ctiserver.store.users import SqlUsers, user_row

_DAY = 86_400.0

PEOPLE: tuple[tuple[str, Role, Label], ...] = (
    ("1001", Role.AGENT, Label(zh="王芳", en="Wang Fang")),
    ("1002", Role.AGENT, Label(zh="李娜", en="Li Na")),
    ("1003", Role.AGENT, Label(zh="张敏", en="Zhang Min")),
    ("1004", Role.AGENT, Label(zh="刘洋", en="Liu Yang")),
    ("1005", Role.AGENT, Label(zh="陈静", en="Chen Jing")),
    ("1006", Role.AGENT, Label(zh="赵磊", en="Zhao Lei")),
    ("2001", Role.LEAD, Label(zh="周班长", en="Team lead Zhou")),
    ("admin", Role.ADMIN, Label(zh="管理员", en="Administrator")),
)


def customers(now: float) -> tuple[Customer, ...]:
    """Eight customers; their history lies some days before `now` (epoch seconds)."""

    def note(days: float, kind: str, text: str) -> CustomerNote:
        return CustomerNote(at=now - days * _DAY, kind=kind, text=text)

    return (
        Customer(
            id="cu-0001",
            code="11000110000001",
            name="张伟",
            classes=("high_value",),
            language="zh",
            manager="孙丽",
            phones=("13900000001", "010-55500001"),
            history=(
                note(2, "call", "咨询宽带提速，已说明套餐差异。"),
                note(19, "complaint", "投诉账单重复扣费，已退款并回访。"),
            ),
        ),
        Customer(
            id="cu-0002",
            code="11000120000002",
            name="北京晨光科技有限公司",
            classes=("group", "important"),
            language="zh",
            manager="孙丽",
            phones=("010-55500002", "13900000002", "13900000012"),
            history=(note(1, "order", "订购数字电路一条，资源确认中。"), note(40, "visit", "客户经理上门走访。")),
        ),
        Customer(
            id="cu-0003",
            code="31000110000003",
            name="李秀英",
            language="zh",
            phones=("13900000003",),
            history=(note(7, "fault", "报修：固定电话无拨号音，当日修复。"),),
        ),
        Customer(
            id="cu-0004",
            code="44000130000004",
            name="广州远航物流有限公司",
            classes=("strategic",),
            language="zh",
            manager="何强",
            phones=("020-55500004", "13900000004"),
            history=(note(3, "call", "询问一码通分支机构接入。"),),
        ),
        Customer(
            id="cu-0005",
            code="51000110000005",
            name="王建国",
            language="zh",
            phones=("13900000005", "028-55500005"),
            history=(note(12, "suggestion", "建议营业厅延长周末营业时间。"),),
        ),
        Customer(
            id="cu-0006",
            code="33000120000006",
            name="杭州市未来小学",
            classes=("important",),
            language="zh",
            manager="何强",
            phones=("0571-55500006", "13900000006"),
            history=(note(5, "order", "校园专线已竣工，起租日期已登记。"),),
        ),
        Customer(
            id="cu-0007",
            code="11000110000007",
            name="Emily Carter",
            classes=("high_value",),
            language="en",
            manager="Sun Li",
            phones=("+447700900123", "13900000007"),
            history=(
                note(4, "call", "Asked for an English invoice; sent by e-mail."),
                note(30, "order", "New leased line, opened in time."),
            ),
        ),
        Customer(
            id="cu-0008",
            code="61000110000008",
            name="刘德厚",
            language="zh",
            phones=("13900000008",),
            history=(),
        ),
    )


async def seed(database: Database, password_hash: str, now: float) -> bool:
    """People (all with one password) and customers, each kind only if there is none yet. True if it put in any."""
    async with database.write() as connection:
        people = (await connection.execute(sa.select(sa.func.count()).select_from(USERS))).scalar_one()
        known = (await connection.execute(sa.select(sa.func.count()).select_from(CUSTOMERS))).scalar_one()
        if not people:
            for name, role, label in PEOPLE:
                agent = AgentId(name) if role is Role.AGENT else None
                user = User(id=name, role=role, password_hash=password_hash, name=label, agent=agent)
                await connection.execute(USERS.insert().values(user_row(user)))
        if not known:
            for customer in customers(now):
                await add_customer(connection, customer)
    return not people or not known


async def is_empty(database: Database) -> bool:
    """Nobody can log in yet: the data folder is new."""
    async with database.read() as connection:
        return (await connection.execute(sa.select(USERS.c.id).limit(1))).first() is None


async def renew_password(users: SqlUsers, passwords: Passwords, password: str) -> None:
    """The operator chose a password after the first start: the demo people get it, unless they have it already."""
    for name, _role, _label in PEOPLE:
        user = await users.get(name)
        if user is not None and not await passwords.verify(user.password_hash, password):
            hashed = await asyncio.to_thread(passwords.hash_now, password)
            await users.set_password_hash(name, hashed)
