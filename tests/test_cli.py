"""The command line: what it writes, and one line and exit code 2 for every mistake."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from PIL import Image

from tiny_store import packages, store  # noqa: F401
from unclip.config import tiny
from unclip.pipeline.bundle_files import read_info
from unclip.pipeline.files import read_picture

SMALL = ["--size", "256x256", "--steps", "1", "--candidates", "1"]


def one_line(err):
    assert err.startswith("unclip: ")
    assert err.count("\n") == 1
    return err


def test_one_picture(unclip, bundle_path, tmp_path):
    code, out, err = unclip(
        "generate", "A red apple!", "--seed", 7, "--model", bundle_path, "-o", tmp_path, *SMALL
    )
    path = tmp_path / "a-red-apple-7.png"
    assert (code, out, err) == (0, f"{path}\n", "")
    settings, size = read_picture(path)
    assert size == (256, 256)
    assert settings["seed"] == 7
    code, out, _ = unclip("show", path)
    assert code == 0
    assert "A red apple!" in out
    assert "256 x 256" in out
    code, out, _ = unclip("show", path, "--json")
    assert json.loads(out) == {**settings, "width": 256, "height": 256}


def test_several_pictures_as_json(unclip, bundle_path, tmp_path):
    folder = tmp_path / "new" / "folder"
    code, out, _ = unclip(
        *("generate", "a cat", "-n", 2, "--seed", 3, "--model", bundle_path, "--json"),
        *("--sampler", "ddim", "--guidance", 1.5, "-o", folder, *SMALL),
    )
    assert code == 0
    result = json.loads(out)
    assert [p["file"] for p in result["pictures"]] == [
        str(folder / "a-cat-3.png"),
        str(folder / "a-cat-4.png"),
    ]
    assert result["pictures"][0]["sampler"] == "ddim"
    assert -1 <= result["pictures"][0]["clip_score"] <= 1
    with Image.open(result["sheet"]) as sheet:
        assert sheet.width > sheet.height
    assert len(list(folder.iterdir())) == 5  # each with its recipe beside it


def test_models(unclip, bundle_path):
    code, out, _ = unclip("models", bundle_path)
    assert code == 0
    assert "tiny 1.2" in out
    assert "Apache-2.0" in out
    code, out, _ = unclip("models", bundle_path, "--json")
    assert json.loads(out)[-1]["parameters"]["prior"] > 0
    code, _, err = unclip("models", bundle_path / "nowhere")
    assert code == 2
    assert "model is" in one_line(err)


@pytest.mark.parametrize(
    ("named", "arguments"),
    [
        ("prompt", ["generate", ""]),
        ("prompt", ["generate", "x" * 1001]),
        ("prompt", ["generate"]),
        ("n is 0", ["generate", "a cat", "-n", "0"]),
        ("n is 11", ["generate", "a cat", "-n", "11"]),
        ("-n", ["generate", "a cat", "-n", "two"]),
        ("size", ["generate", "a cat", "--size", "1000x768"]),
        ("seed", ["generate", "a cat", "--seed", "-1"]),
        ("steps", ["generate", "a cat", "--steps", "0"]),
        ("guidance", ["generate", "a cat", "--guidance", "nan"]),
        ("sampler", ["generate", "a cat", "--sampler", "heun"]),
        ("candidates", ["generate", "a cat", "--candidates", "1000"]),
        ("model", ["generate", "a cat", "--model", "nothing"]),
        ("hub ids", ["generate", "a cat", "--model", "kakaobrain/karlo-v1-alpha"]),
        ("--colour", ["generate", "a cat", "--colour", "red"]),
        ("paint", ["paint"]),
        ("file", ["show", "nothing.png"]),
        ("run", ["export", "nothing", "out"]),
        ("stage", ["train", "nothing"]),
        ("--recipe", ["train", "clip", "--recipe", "nothing"]),
        ("--minutes", ["train", "clip", "--minutes", "0"]),
        ("--budget", ["train", "all", "--budget", "-1"]),
        ("npm install", ["corpus", "build", "--packages", "nothing"]),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    unclip, bundle_path, tmp_path, monkeypatch, named, arguments
):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "generate" and "--model" not in arguments:
        arguments = [*arguments, "--model", bundle_path]
    code, out, err = unclip(*arguments)
    assert (code, out) == (2, "")
    assert named in one_line(err)
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written(unclip, bundle_path, tmp_path):
    file = tmp_path / "file"
    file.touch()
    for output in (file, file / "deeper", "/proc/none"):
        code, _, err = unclip("generate", "a cat", "--model", bundle_path, "-o", output)
        assert code == 2
        assert "output is" in one_line(err)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (flip, "has another SHA-256"),
        (cut, "is cut short"),
        (lambda path: path.write_bytes(b"\x80\x04\x95."), "is a pickle"),
    ],
)
def test_a_broken_bundle(unclip, bundle_path, tmp_path, damage, said):
    broken = shutil.copytree(bundle_path, tmp_path / "broken")
    damage(broken / "prior.safetensors")
    output = tmp_path / "pictures"
    code, _, err = unclip("generate", "a cat", "--model", broken, "-o", output)
    assert code == 2
    assert f"prior.safetensors {said}" in one_line(err)
    assert not output.exists()


def test_training_from_a_bundle(unclip, bundle_path, store, tmp_path):  # noqa: F811
    run = tmp_path / "run"
    command = ["train", "autoencoder", "--recipe", "tiny", "--store", store.path, "--run", run]
    code, _, err = unclip(*command, "--from", "nothing")
    assert code == 2
    assert "--from is 'nothing'; it may be" in one_line(err)
    assert not run.exists()
    code, out, err = unclip(*command, "--from", bundle_path)
    assert code == 0
    assert json.loads(out)["psnr"] > 0
    assert "autoencoder: starts from tiny 1.2" in one_line(err)
    code, _, err = unclip(*command, "--from", shutil.copytree(bundle_path, tmp_path / "again"))
    assert code == 0  # the same bundle in another place
    (tmp_path / "again" / "bundle.json").write_text("{}")
    code, _, err = unclip(*command, "--from", tmp_path / "again")
    assert code == 2
    assert "name a new --run" in one_line(err)


def test_exporting_a_component_in_eight_bits(unclip, bundle_path, tmp_path):
    run, out = shutil.copytree(bundle_path, tmp_path / "run"), tmp_path / "out"
    (run / "config.json").write_text(json.dumps(tiny().to_json()))
    code, _, err = unclip("export", run, out, "--eight-bits", "decoder", "--eight-bits", "x")
    assert code == 2
    assert "--eight-bits is 'x'; it may be text, image, prior" in one_line(err)
    assert not out.exists()
    options = ["--eight-bits", "decoder", "--eight-bits", "prior"]
    assert unclip("export", run, out, "--version", "2", *options) == (0, f"{out}\n", "")
    sizes = [read_info(path).files for path in (bundle_path, out)]
    smaller = {name for name in sizes[0] if sizes[1][name][0] < sizes[0][name][0]}
    assert smaller >= {"decoder.safetensors", "prior.safetensors"}
    assert "text.safetensors" not in smaller
    assert unclip("models", out)[0] == 0


def test_training_without_its_packages_says_what_to_install(unclip, monkeypatch):
    for name in [m for m in sys.modules if m.startswith(("unclip.training", "accelerate"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    code, _, err = unclip("train", "clip")
    assert code == 2
    assert "pip install 'unclip[train]'" in one_line(err)


def test_help_comes_without_torch():
    code = (
        "import sys; from unclip import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: print({'torch', 'numpy', 'rich', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "generate" in done.stdout
    assert done.stdout.endswith("set()\n")


def test_ctrl_c_keeps_finished_pictures_only(bundle_path, tmp_path):
    command = [sys.executable, "-m", "unclip.cli", "generate", "a cat", "-n", "10", "--seed", "1"]
    command += ["--model", str(bundle_path), "-o", str(tmp_path)]
    children = seconds_of_children()
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*.png")) and time.monotonic() < deadline:
        time.sleep(0.02)
    used = sum(psutil.Process(process.pid).cpu_times()[:2])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    # In processor time, because the machine may be busy with other things.
    assert seconds_of_children() - children - used < 1.5
    assert process.returncode == 130
    assert "finished" in one_line(err)
    files = sorted(tmp_path.iterdir())
    assert 1 <= len(files) < 10
    for file in files:
        assert read_picture(file)[1] == (1024, 1024)


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
