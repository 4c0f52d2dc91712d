"""Doors of the workspace's settings. Each name has its schema; unknown fields are refused."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field, ValidationError

from grace.kit.edge import Doors, InTx
from grace.kit.errors import Invalid, NotFound
from grace.kit.tx import Tx
from grace.kit.web import Answer, Body
from grace.kit.workspace_settings import WorkspaceSetting, declared
from grace.kit.zones import check_zone
from grace.trust.audit import service as audit
from grace.trust.identity.schemas import WorkspaceOut

doors = Doors(tags=["Settings"])
Name = Annotated[str, Path(pattern=r"^[a-z][a-z_]{0,63}$")]


class SettingOut(Answer):
    """A setting's value, defaults filled in."""

    name: str
    value: dict[str, Any]


class SettingList(Answer):
    """Every setting."""

    items: list[SettingOut]
    next_cursor: None = None


class WorkspaceIn(Body):
    """What can be changed of a workspace. `time_zone` is an IANA name, as `Europe/Berlin`."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    time_zone: Annotated[str, Field(min_length=1, max_length=64)]


@doors.get("/api/v1/workspace", may="workspace:read", returns=WorkspaceOut)
async def get_workspace(tx: InTx) -> WorkspaceOut:
    """The workspace that one is in."""
    return WorkspaceOut.of(tx.workspace)


@doors.put("/api/v1/workspace", may="workspace:write", returns=WorkspaceOut)
async def put_workspace(body: WorkspaceIn, tx: InTx) -> WorkspaceOut:
    """Change its name, and the zone in which its people read times; what is stored stays in UTC."""
    before, zone = tx.workspace, check_zone(body.time_zone)
    await tx.execute("update workspace set name = %(name)s, time_zone = %(zone)s", name=body.name, zone=zone)
    audit.record(
        tx,
        action="change_workspace",
        subject=("workspace", before.handle),
        before={"name": before.name, "time_zone": before.time_zone},
        after={"name": body.name, "time_zone": zone},
    )
    return WorkspaceOut.of(replace(before, name=body.name, time_zone=zone))


@doors.get("/api/v1/settings", may="workspace:read", returns=SettingList)
async def list_settings(tx: InTx) -> SettingList:
    """What the business decides for itself."""
    return SettingList(items=[await _shown(tx, setting) for setting in declared().values()])


@doors.get("/api/v1/settings/{name}", may="workspace:read", returns=SettingOut)
async def get_setting(tx: InTx, name: Name) -> SettingOut:
    """One setting."""
    return await _shown(tx, _named(name))


@doors.put("/api/v1/settings/{name}", may="workspace:write", returns=SettingOut)
async def put_setting(tx: InTx, name: Name, body: dict[str, Any]) -> SettingOut:
    """Replace a setting; fields that are left out get their defaults."""
    setting = _named(name)
    try:
        value = setting.schema.model_validate(body)
    except ValidationError as error:
        found = [{"at": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()[:20]]
        raise Invalid("; ".join(f"{e['at'] or 'value'}: {e['what']}" for e in found[:3]), errors=found) from error
    before = await setting.read(tx)
    await setting.write(tx, value)
    audit.record(
        tx,
        action="change_setting",
        subject=("setting", name),
        before=before.model_dump(mode="json"),
        after=value.model_dump(mode="json"),
    )
    return SettingOut(name=name, value=value.model_dump())


async def _shown(tx: Tx, setting: WorkspaceSetting[Any]) -> SettingOut:
    return SettingOut(name=setting.name, value=(await setting.read(tx)).model_dump())


def _named(name: str) -> WorkspaceSetting[Any]:
    if name not in declared():
        raise NotFound(f"There is no setting {name!r}, but {', '.join(declared())}.")
    return declared()[name]
