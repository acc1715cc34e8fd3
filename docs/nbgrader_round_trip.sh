#!/usr/bin/env bash
# A class on nbgrader from nothing to feedback and grades, in a new folder: bash nbgrader_round_trip.sh [FOLDER]
# It needs `pip install 'gradsmith[nbgrader]'`, and takes a minute or two, most of it nbgrader's commands starting.
set -euo pipefail
top=$(realpath -m "${1:-class}")
mkdir "$top"
export JUPYTER_CONFIG_DIR=$top/jupyter JUPYTER_DATA_DIR=$top/jupyter # this trial leaves your own settings alone
cd "$top"

echo "== the instructor makes the course"
mkdir -m 777 exchange # on a real machine /usr/local/share/nbgrader/exchange, or JupyterHub's
printf 'id,first_name,last_name,email\nada,Ada,Lovelace,ada@x.edu\nbob,Bob,Builder,bob@x.edu\n' > class.csv
grader nbgrader build course --topics softmax --roster class.csv
cat >> course/nbgrader_config.py <<CONFIG

c.CourseDirectory.course_id = "ml"
c.Exchange.root = "$top/exchange"
c.ExchangeCollect.check_owner = False # both students are you here
CONFIG
(cd course && nbgrader generate_assignment softmax && nbgrader release_assignment softmax)

echo "== two students fetch it, write something, and hand it in"
for student in ada bob; do
  mkdir "$student"
  cat > "$student/nbgrader_config.py" <<CONFIG
c = get_config()
c.CourseDirectory.course_id = "ml"
c.Exchange.root = "$top/exchange"
c.Exchange.cache = "$top/$student/.cache"
CONFIG
  (cd "$student" && nbgrader list && nbgrader fetch_assignment softmax)
done
# What a student does in Jupyter, done here by a program: Ada's softmax is right, Bob's overflows.
python - <<'PYTHON'
import json
from pathlib import Path

BODY = {
    "ada": "def softmax(z, axis=-1):\n    top = np.max(z, axis=axis, keepdims=True)\n"
    "    e = np.exp(z - np.where(np.isneginf(top), z.dtype.type(0), top))\n    total = e.sum(axis=axis, keepdims=True)\n"
    "    return e / np.where(total == 0, z.dtype.type(1), total)\n",
    "bob": "def softmax(z, axis=-1):\n    e = np.exp(z)\n    return e / e.sum(axis=axis, keepdims=True)\n",
}
for student, body in BODY.items():
    file = Path(student, "softmax", "softmax.ipynb")
    notebook = json.loads(file.read_text())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "softmax":
            cell["source"] = body
    file.write_text(json.dumps(notebook))
PYTHON
for student in ada bob; do
  (cd "$student" && nbgrader submit softmax --student="$student")
done

echo "== the instructor collects and grades"
cd course
nbgrader collect softmax
grader nbgrader autograde . softmax
nbgrader generate_feedback softmax
nbgrader release_feedback softmax
nbgrader export --exporter=grader.nbgrader_course.class_export.ClassExporter --to=grades
cd ..

echo "== the students look at their feedback"
for student in ada bob; do
  (cd "$student" && nbgrader fetch_feedback softmax)
done
ls -- */softmax/feedback/*/softmax.html course/grades/softmax
