"""Options that several commands have."""

import click

config_option = click.option(
    "--config", "config", metavar="FILE", help="The configuration file, where it is not in one of the usual places."
)

configs_option = click.option(
    "--config", "configs", metavar="FILE", multiple=True, help="The configuration file of an account; may be repeated."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for other programs.")
