"""`hullmark config`: where settings come from, and the bounds that hold."""


def config() -> None:
    """Show the files and folders in use and every limit with its value."""
    import msgspec

    from hullmark.cli.output import write_line
    from hullmark.cli.settings import cache_folder, config_path, database_folder
    from hullmark.detectors.detector import Limits
    from hullmark.images.limits import ReadLimits

    path = config_path()
    write_line(f"config file   {path}{'' if path.is_file() else ' (not there)'}")
    write_line(f"cache         {cache_folder()}")
    write_line(f"database      {database_folder()}")
    for limits in (ReadLimits(), Limits()):
        for name, value in sorted(msgspec.structs.asdict(limits).items()):
            write_line(f"limits.{name} = {value}")
