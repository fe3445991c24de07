"""Where somebody's script runs: a folder of its own, with what lies beside the script and what it was given."""
import os
import shutil
import site

#: Files up to this many bytes, and saved models up to the second, are copied: a script may write over them.
SMALL = 2 ** 20
MODEL = 256 * 2 ** 20
MODELS = (".ckpt", ".h5", ".hdf5", ".keras", ".pt", ".pth", ".tflite")
#: Bytes of all copies.
ROOM = 512 * 2 ** 20


def prepare(script, out, data):
    """Makes OUT/work anew, goes there, and makes OUT the home folder. `data`: {name: path}."""
    work = os.path.join(out, "work")
    if os.path.islink(work) or os.path.isfile(work):
        os.unlink(work)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    _fill(os.path.dirname(script), work, set(data))
    for name, path in sorted(data.items()):
        os.symlink(path, os.path.join(work, name))
        os.environ["DATA_" + name.upper().replace("-", "_").replace(".", "_")] = path
    os.environ["HOME"] = out
    os.environ["MPLBACKEND"] = "Agg"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    _link_datasets(out)
    os.chdir(work)


def add_packages():
    """What was installed for the script comes last in the search path, in that of its children too: its stack wins."""
    folder = os.environ.get("KERAS_ORCHESTRATE_PACKAGES")
    if folder:
        site.addsitedir(folder)
        known = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = known + os.pathsep + folder if known else folder


def _fill(folder, work, taken):
    """What lies beside the script: links, and copies of what a script that ran here before may have written."""
    room = ROOM
    for name in sorted(os.listdir(folder)):
        source, target = os.path.join(folder, name), os.path.join(work, name)
        if name in taken:
            continue
        if _written_over(source) and os.path.getsize(source) <= room:
            shutil.copyfile(source, target)
            room -= os.path.getsize(source)
        else:
            os.symlink(source, target)


def _written_over(path):
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        return False
    return os.path.getsize(path) <= (MODEL if path.endswith(MODELS) else SMALL)


def folder_of(module, out):
    """A folder that holds this one module: where processes that the script starts find it."""
    folder = os.path.join(out, "modules")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    link = os.path.join(folder, os.path.basename(module))
    if not os.path.lexists(link):
        os.symlink(module, link)
    return folder


def _link_datasets(home):
    """Keras looks for data sets in ~/.keras/datasets: those that the starter names are there."""
    folder = os.environ.get("KERAS_ORCHESTRATE_KERAS_DATASETS")
    if not folder or not os.path.isdir(folder):
        return
    datasets = os.path.join(home, ".keras", "datasets")
    if not os.path.isdir(datasets):
        os.makedirs(datasets)
    for name in os.listdir(folder):
        if not os.path.lexists(os.path.join(datasets, name)):
            os.symlink(os.path.join(folder, name), os.path.join(datasets, name))
