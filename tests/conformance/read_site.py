"""Reads a site's TUF repository with python-tuf's ngclient, which shares no code with ours.

    read_site.py REPOSITORY ROOT

Every target must come out as it is signed; with one byte changed, none may. Prints how many were read.
"""

import json
import pathlib
import sys
import tempfile

from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater


class Files(FetcherInterface):
    """Files of a directory by URL. `damage` names one whose last byte is changed on the way."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.damage = None

    def _fetch(self, url):
        path = self.directory / url.removeprefix("site:///")
        if not path.is_file():
            raise DownloadHTTPError("not found", 404)
        content = path.read_bytes()
        if path.name == self.damage:
            content = content[:-1] + bytes([content[-1] ^ 1])
        return iter([content])


def updater(files, root, memory):
    client = Updater(
        metadata_dir=memory,
        metadata_base_url="site:///metadata/",
        target_base_url="site:///targets/",
        target_dir=memory,
        fetcher=files,
        bootstrap=root,
    )
    client.refresh()
    return client


def refused(files, root, damage, read):
    files.damage = damage
    try:
        with tempfile.TemporaryDirectory() as memory:
            read(updater(files, root, memory), memory)
    except RepositoryError:
        return True
    finally:
        files.damage = None
    return False


def main(repository, root_file):
    files, root = Files(repository), pathlib.Path(root_file).read_bytes()
    metadata = pathlib.Path(repository, "metadata")
    newest = max(metadata.glob("*.targets.json"), key=lambda path: int(path.name.split(".")[0]))
    targets = json.loads(newest.read_bytes())["signed"]["targets"]
    with tempfile.TemporaryDirectory() as memory:
        client = updater(files, root, memory)
        for name, signed in targets.items():
            info = client.get_targetinfo(name)
            assert info is not None, name
            assert info.custom["stella"]["vendor_metadata_digest"], name
            path = pathlib.Path(client.download_target(info, str(pathlib.Path(memory, "target"))))
            assert path.stat().st_size == signed["length"], name
    name, signed = next((name, signed) for name, signed in targets.items() if signed["length"])
    content = f"{signed['hashes']['sha256']}.{name.rsplit('/', 1)[-1]}"
    read = lambda client, memory: client.download_target(client.get_targetinfo(name), str(pathlib.Path(memory, "target")))
    for damage in (content, "timestamp.json", newest.name, newest.name.replace("targets", "snapshot")):
        assert refused(files, root, damage, read), f"a damaged {damage} was taken"
    print(f"site repository, read by python-tuf: {len(targets)} targets")


main(*sys.argv[1:])
