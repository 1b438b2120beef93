"""A Trino on 127.0.0.1 whose catalogue is Glue and whose files are S3's, both at an endpoint: what Athena is made of.

Athena's engine 3 is a Trino. The server comes from Maven Central, is checked against its SHA-256 and kept in the cache.
It needs Java 24 or newer: JAVA_HOME, or one that is installed beside the system's own.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import time
import urllib.request
from pathlib import Path

VERSION = "476"
ADDRESS = f"https://repo1.maven.org/maven2/io/trino/trino-server/{VERSION}/trino-server-{VERSION}.tar.gz"
SHA256 = "cfd5accde17e8ebd251eeeb78aed1f490e77bb3a164d95a0f454bf8a7c1cbd3f"
JAVA = 24
PLUGINS = ("hive", "delta-lake")
CACHE = Path.home() / ".cache/carelake/trino"
HEAP = "2G"

# The options of Trino's own jvm.config that matter to a server of one machine. Little data is read once: code that is compiled
# quickly answers sooner than code that is compiled well.
OPTIONS = [
    f"-Xmx{HEAP}",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseG1GC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:ReservedCodeCacheSize=256M",
    "-Djdk.attach.allowAttachSelf=true",
    "-Djdk.nio.maxCachedBufferSize=2000000",
    "-Dfile.encoding=UTF-8",
    "-Duser.timezone=UTC",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "--add-modules=jdk.incubator.vector",
]

SERVER = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
node.environment=test
node.bind-ip=127.0.0.1
node.internal-address=127.0.0.1
catalog.config-dir={catalogs}
plugin.dir={plugins}
query.max-memory=1GB
query.max-memory-per-node=1GB
task.concurrency=2
task.max-worker-threads=4
log.levels-file={levels}
"""

# As Athena names it. Delta tables are known by their parameters and read by the connector for Delta.
CATALOGUE = """\
connector.name={connector}
hive.metastore=glue
hive.metastore.glue.region=us-east-1
hive.metastore.glue.endpoint-url={glue}
hive.metastore.glue.aws-access-key=test
hive.metastore.glue.aws-secret-key=test
hive.metastore.glue.partitions-segments=1
fs.native-s3.enabled=true
s3.region=us-east-1
s3.endpoint={s3}
s3.path-style-access=true
s3.aws-access-key=test
s3.aws-secret-key=test
"""
CONNECTORS = {"awsdatacatalog": ("hive", "hive.delta-lake-catalog-name=delta\n"), "delta": ("delta_lake", "")}


def installed() -> Path:
    """The folder of the server, fetched when it is not there."""
    folder = CACHE / f"trino-server-{VERSION}"
    if (folder / ".ready").exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / f"trino-server-{VERSION}.tar.gz"
    if not archive.exists():
        print(f"fetching Trino {VERSION}, 820 MB", flush=True)
        part = archive.with_suffix(".part")
        with urllib.request.urlopen(ADDRESS, timeout=120) as answer, part.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
        part.rename(archive)
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        archive.unlink()
        raise ValueError(f"{archive.name} has the SHA-256 {found}, not {SHA256}: it was removed")
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(archive) as packed:
        # A plugin's jars may be links to those of another, so all are unpacked before most are removed.
        packed.extractall(CACHE, filter="data")
    for plugin in (folder / "plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    (folder / ".ready").touch()
    return folder


def java() -> Path:
    """A Java that is new enough."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    homes += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    for home in homes:
        release = home / "release"
        found = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.M) if release.exists() else None
        if found and int(found.group(1)) >= JAVA:
            return home / "bin/java"
    raise FileNotFoundError(f"Trino {VERSION} needs Java {JAVA} or newer: install one and set JAVA_HOME")


class Trino:
    """The server as a process, from when it answers queries."""

    def __init__(self, folder: Path, port: int, glue: str, s3: str):
        self.url = f"http://127.0.0.1:{port}"
        home, catalogs = installed(), folder / "catalog"
        catalogs.mkdir(parents=True)
        data = folder / "data"
        data.mkdir()
        for name, (connector, more) in CONNECTORS.items():
            (catalogs / f"{name}.properties").write_text(CATALOGUE.format(connector=connector, glue=glue, s3=s3) + more)
        levels = folder / "log.properties"
        levels.write_text("io.trino=ERROR\nBootstrap=WARN\n")
        config = folder / "config.properties"
        config.write_text(SERVER.format(port=port, catalogs=catalogs, plugins=home / "plugin", levels=levels))
        command = [java(), "-cp", f"{home}/lib/*", *OPTIONS, f"-Dconfig={config}", "io.trino.server.TrinoServer"]
        self.log = folder / "trino.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([*map(str, command)], cwd=data, stdout=log, stderr=log)
        try:
            self.await_start()
        except BaseException:
            self.stop()
            raise

    def await_start(self, seconds: float = 1800):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/v1/info", timeout=2) as answer:
                    if b'"starting":false' in answer.read():
                        return
            except OSError:
                pass
            if self.process.poll() is not None:
                raise RuntimeError(f"Trino ended:\n{self.log.read_text()[-6000:]}")
            time.sleep(0.5)
        raise TimeoutError(self.log.read_text()[-6000:])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
