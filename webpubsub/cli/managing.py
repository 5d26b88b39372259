"""`webpubsub groups`, `connections`, `users`, `permission` and `health`: look at what is there, and change it."""

import click

from webpubsub import Permission

from .output import examples, output_option, show_result, show_rows
from .service import Service, speaks_to_a_service

__all__ = ["connections", "groups", "health", "permission", "users"]

_PERMISSION = click.Choice([permission.value for permission in Permission], case_sensitive=False)


@click.group()
def groups() -> None:
    """The groups of a hub."""


@groups.command("list", epilog=examples("groups list chat room --output json"))
@click.argument("hub")
@click.argument("group")
@click.option("--top", type=click.IntRange(min=1), help="Most connections to list.")
@output_option
@speaks_to_a_service
def list_group(service: Service, hub: str, group: str, top: int | None, output: str) -> None:
    """List the connections in GROUP."""
    with service.client(hub) as client:
        members = list(client.list_connections(group, top=top))
    rows = [{"connection": member.connection_id, "user": member.user_id} for member in members]
    show_rows(rows, output, empty=f"Nobody is in {group}.")


@groups.command("exists", epilog=examples("groups exists chat room"))
@click.argument("hub")
@click.argument("group")
@output_option
@speaks_to_a_service
def group_exists(service: Service, hub: str, group: str, output: str) -> int:
    """Tell whether anybody is in GROUP; exit code 1 when nobody is."""
    with service.client(hub) as client:
        return _existence(client.group_exists(group), f"group {group}", output)


@groups.command("add", epilog=examples("groups add chat room --user ann"))
@click.argument("hub")
@click.argument("group")
@click.option("--connection", help="The connection to add.")
@click.option("--user", help="The user whose connections to add.")
@speaks_to_a_service
def add_to_group(service: Service, hub: str, group: str, connection: str | None, user: str | None) -> None:
    """Put a connection, or all connections of a user, into GROUP."""
    with service.client(hub) as client:
        if _is_connection(connection, user):
            client.add_connection_to_group(group, connection or "")
        else:
            client.add_user_to_group(group, user or "")
    click.echo(f"added to {group}")


@groups.command("remove", epilog=examples("groups remove chat room --user ann"))
@click.argument("hub")
@click.argument("group")
@click.option("--connection", help="The connection to remove.")
@click.option("--user", help="The user whose connections to remove.")
@speaks_to_a_service
def remove_from_group(service: Service, hub: str, group: str, connection: str | None, user: str | None) -> None:
    """Take a connection, or all connections of a user, out of GROUP."""
    with service.client(hub) as client:
        if _is_connection(connection, user):
            client.remove_connection_from_group(group, connection or "")
        else:
            client.remove_user_from_group(group, user or "")
    click.echo(f"removed from {group}")


@groups.command("close", epilog=examples('groups close chat room --reason "See you tomorrow"'))
@click.argument("hub")
@click.argument("group")
@click.option("--reason", help="What the clients are told.")
@speaks_to_a_service
def close_group(service: Service, hub: str, group: str, reason: str | None) -> None:
    """Close every connection in GROUP."""
    with service.client(hub) as client:
        client.close_group_connections(group, reason=reason)
    click.echo(f"closed the connections in {group}")


@click.group()
def connections() -> None:
    """The connections of a hub."""


@connections.command("exists", epilog=examples("connections exists chat CONNECTION"))
@click.argument("hub")
@click.argument("connection")
@output_option
@speaks_to_a_service
def connection_exists(service: Service, hub: str, connection: str, output: str) -> int:
    """Tell whether CONNECTION is there; exit code 1 when it is not."""
    with service.client(hub) as client:
        return _existence(client.connection_exists(connection), f"connection {connection}", output)


@connections.command("close", epilog=examples("connections close chat CONNECTION", "connections close chat --all"))
@click.argument("hub")
@click.argument("connection", required=False)
@click.option("--all", "everything", is_flag=True, help="Every connection of the hub.")
@click.option("--reason", help="What the client is told.")
@speaks_to_a_service
def close_connection(service: Service, hub: str, connection: str | None, everything: bool, reason: str | None) -> None:
    """Close CONNECTION, or every connection of HUB."""
    if everything == (connection is not None):
        raise click.UsageError("Give a connection, or --all.")
    with service.client(hub) as client:
        if connection is None:
            client.close_all_connections(reason=reason)
        else:
            client.close_connection(connection, reason=reason)
    click.echo("closed")


@connections.command("leave-all-groups", epilog=examples("connections leave-all-groups chat CONNECTION"))
@click.argument("hub")
@click.argument("connection")
@speaks_to_a_service
def leave_all_groups(service: Service, hub: str, connection: str) -> None:
    """Take CONNECTION out of all its groups."""
    with service.client(hub) as client:
        client.remove_connection_from_all_groups(connection)
    click.echo("removed from all groups")


@click.group()
def users() -> None:
    """The users of a hub."""


@users.command("exists", epilog=examples("users exists chat ann"))
@click.argument("hub")
@click.argument("user")
@output_option
@speaks_to_a_service
def user_exists(service: Service, hub: str, user: str, output: str) -> int:
    """Tell whether USER is connected; exit code 1 when not."""
    with service.client(hub) as client:
        return _existence(client.user_exists(user), f"user {user}", output)


@users.command("close", epilog=examples("users close chat ann"))
@click.argument("hub")
@click.argument("user")
@click.option("--reason", help="What the clients are told.")
@speaks_to_a_service
def close_user(service: Service, hub: str, user: str, reason: str | None) -> None:
    """Close every connection of USER."""
    with service.client(hub) as client:
        client.close_user_connections(user, reason=reason)
    click.echo(f"closed the connections of {user}")


@users.command("leave-all-groups", epilog=examples("users leave-all-groups chat ann"))
@click.argument("hub")
@click.argument("user")
@speaks_to_a_service
def user_leaves_all_groups(service: Service, hub: str, user: str) -> None:
    """Take every connection of USER out of all groups."""
    with service.client(hub) as client:
        client.remove_user_from_all_groups(user)
    click.echo("removed from all groups")


@click.command(epilog=examples("permission grant chat sendToGroup CONNECTION --group room"))
@click.argument("action", type=click.Choice(["check", "grant", "revoke"]))
@click.argument("hub")
@click.argument("permission", type=_PERMISSION, metavar="PERMISSION")
@click.argument("connection")
@click.option("--group", help="For which group; needed.")
@output_option
@speaks_to_a_service
def permission(
    service: Service, action: str, hub: str, permission: str, connection: str, group: str | None, output: str
) -> int:
    """Check, grant or revoke what CONNECTION may do by itself; check exits with 1 when it may not.

    PERMISSION is sendToGroup or joinLeaveGroup. Both are for one group.
    """
    if group is None:
        raise click.UsageError(f"--group is missing: {permission} is a permission for one group.")
    named = Permission(permission)
    with service.client(hub) as client:
        if action == "grant":
            client.grant_permission(named, connection, target_name=group)
        elif action == "revoke":
            client.revoke_permission(named, connection, target_name=group)
        else:
            allowed = client.has_permission(named, connection, target_name=group)
            show_result("allowed" if allowed else "not allowed", allowed, output)
            return 0 if allowed else 1
    show_result("granted" if action == "grant" else "revoked", True, output)
    return 0


@click.command(epilog=examples("health --local"))
@output_option
@speaks_to_a_service
def health(service: Service, output: str) -> int:
    """Tell whether the service is healthy; exit code 1 when not."""
    with service.client("health") as client:
        healthy = client.get_service_status()
    show_result("healthy" if healthy else "not healthy", healthy, output)
    return 0 if healthy else 1


def _existence(exists: bool, what: str, output: str) -> int:
    show_result(f"{what} exists" if exists else f"{what} does not exist", exists, output)
    return 0 if exists else 1


def _is_connection(connection: str | None, user: str | None) -> bool:
    if (connection is None) == (user is None):
        raise click.UsageError("Give one of --connection and --user.")
    return connection is not None
