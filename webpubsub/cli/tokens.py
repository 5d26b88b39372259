"""`webpubsub token`: a URL for a WebSocket client to connect with."""

import json

import click

from webpubsub import ClientProtocol, Role

from .output import examples, printable
from .service import Service, speaks_to_a_service

__all__ = ["token"]

_ROLES = (
    Role.send_to_group(),
    Role.join_leave_group(),
    Role.send_to_groups("*"),
    Role.join_leave_groups("*"),
    Role.get_group_state(),
    Role.set_group_state(),
)
_KINDS = [role.removesuffix(".*") for role in _ROLES]


@click.command(epilog=examples("token chat --user ann --group room --role webpubsub.sendToGroup.room --minutes 5"))
@click.argument("hub")
@click.option("--user", help="The user of the connection; nobody by default.")
@click.option("--role", "roles", multiple=True, help="Such as webpubsub.sendToGroup.room; may be given again.")
@click.option("--group", "groups", multiple=True, help="A group to be in from the start; may be given again.")
@click.option("--minutes", type=click.IntRange(min=1), default=60, show_default=True, help="How long it can be used.")
@click.option(
    "--protocol",
    type=click.Choice([protocol.value for protocol in ClientProtocol], case_sensitive=False),
    default=ClientProtocol.DEFAULT.value,
    show_default=True,
    help="What the client speaks.",
)
@click.option("--output", type=click.Choice(["url", "json"]), default="url", show_default=True, help="What is printed.")
@speaks_to_a_service
def token(
    service: Service,
    hub: str,
    user: str | None,
    roles: tuple[str, ...],
    groups: tuple[str, ...],
    minutes: int,
    protocol: str,
    output: str,
) -> None:
    """Print a URL for a WebSocket client of HUB. It contains a token: whoever has it can connect."""
    with service.client(hub) as client:
        made = client.get_client_access_token(
            user_id=user,
            roles=list(roles) or None,
            groups=list(groups) or None,
            minutes_to_expire=minutes,
            client_protocol=ClientProtocol(protocol),
        )
    for role in roles:
        if role not in _KINDS and not role.startswith(tuple(f"{kind}." for kind in _KINDS)):
            click.echo(
                f"webpubsub: The service knows no role {printable(role)}, which lets a client do nothing; roles are "
                f"{', '.join(_KINDS)}.",
                err=True,
            )
    if output == "json":
        click.echo(json.dumps({"baseUrl": made.base_url, "token": made.token, "url": made.url}))
    else:
        click.echo(made.url)
