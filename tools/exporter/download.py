"""Downloads the files of an archive that count."""

from pathlib import Path

from journeys.archive import model
from journeys.archive.model import ArchiveFile, LinksFile
from journeys.archive.scratch import scratch
from journeys.archive.store import ArchiveStore
from tools.errors import ToolError
from tools.exporter.export import download
from tools.progress import ProgressBars


def download_files(archive: ArchiveStore, organization_id: str, folder: Path, bars: ProgressBars) -> int:
    """Downloads the current files of an archive to a new folder. Returns their number. Raises ToolError.

    The folder has the archive's own folders: compacted/{day}, landed/{day} and links. It is complete or not there.
    """
    if folder.exists():
        raise ToolError(f"{folder} exists. Name a folder that does not exist.")
    if not folder.parent.is_dir():
        raise ToolError(f"There is no folder {folder.parent}. Create it first.")
    try:
        with scratch(str(folder.parent)) as unfinished:
            snapshot = archive.snapshot(organization_id)
            files: list[ArchiveFile | LinksFile] = [*snapshot.files, *([snapshot.links] if snapshot.links else [])]
            paths = download(archive, files, unfinished, bars)
            complete = unfinished / "complete"
            for file in files:
                target = complete / file.key.removeprefix(model.folder(organization_id))
                target.parent.mkdir(parents=True, exist_ok=True)
                paths[file.key].replace(target)
            complete.mkdir(exist_ok=True)
            complete.rename(folder)
            return len(files)
    except OSError as error:
        raise ToolError(f"{folder} cannot be written: {error.strerror or error}.") from None
