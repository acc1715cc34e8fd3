"""Code as it stands in many tutorials, put into a submission: each gets the right verdict and is told why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.content import locate
from grader.grading import Grader
from grader.model import Score, Status
from grader.submission import read_submission

CONVOLUTION = '''
import numpy as np


def full_convolution(a, k):
    """A true convolution in mode 'full': it rotates its second argument."""
    out = np.zeros((a.shape[0] + k.shape[0] - 1, a.shape[1] + k.shape[1] - 1), dtype=np.result_type(a, k))
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i : i + k.shape[0], j : j + k.shape[1]] += a[i, j] * k
    return out


def backward(grad_output, x, kernel, stride, padding):
    if padding > 0:
        x = np.pad(x, padding, mode="constant")
    kh, kw = kernel.shape
    grad_kernel = np.zeros_like(kernel)
    for i in range(kh):
        for j in range(kw):
            rows = x[i : i + grad_output.shape[0] * stride : stride]
            seen = rows[:, j : j + grad_output.shape[1] * stride : stride]
            grad_kernel[i, j] = np.sum(seen * grad_output)
    grad_input = full_convolution(grad_output, np.rot90(kernel, 2))
    return grad_input, grad_kernel


def conv2d(x, w, stride=1, padding=0):
    x = np.pad(x, padding) if padding > 0 else x
    out_h, out_w = (x.shape[0] - w.shape[0]) // stride + 1, (x.shape[1] - w.shape[1]) // stride + 1
    out = np.zeros((out_h, out_w))
    for i in range(out_h):
        for j in range(out_w):
            window = x[i * stride : i * stride + w.shape[0], j * stride : j * stride + w.shape[1]]
            out[i, j] = np.sum(window * w)
    return out


def conv2d_input_grad(x, w, grad_output, stride=1, padding=0):
    return backward(grad_output, x, w, stride, padding)[0]


def conv2d_weight_grad(x, w, grad_output, stride=1, padding=0):
    return backward(grad_output, x, w, stride, padding)[1]
'''

SOFTMAX = """
import numpy as np


def softmax(z, axis=-1):
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def softmax_jacobian(z):
    s = z.reshape(-1, 1)
    return np.diagflat(s) - s @ s.T
"""

ATTENTION = """
import numpy as np


def attention(Q, K, V, mask=None):
    scores = Q @ K.T / np.sqrt(Q.shape[-1])
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = e / np.sum(e, axis=-1, keepdims=True)
    return weights @ V, weights
"""

FACTORIZATION = """
import numpy as np


def mf_sgd_step(mu, b_user, b_item, P, Q, user, item, rating, lr, reg):
    b_user, b_item, P, Q = b_user.copy(), b_item.copy(), P.copy(), Q.copy()
    error = rating - (mu + b_user[user] + b_item[item] + np.dot(P[user], Q[item]))
    b_user[user] += lr * (error - reg * b_user[user])
    b_item[item] += lr * (error - reg * b_item[item])
    old = P[user].copy()
    P[user] += lr * (error * Q[item] - reg * P[user])
    Q[item] += lr * (error * old - reg * Q[item])
    return b_user, b_item, P, Q


def rating_grads(error, b_u, b_i, p_u, q_i, reg):
    return (-2 * error + 2 * reg * b_u, -2 * error + 2 * reg * b_i,
            -2 * error * q_i + 2 * reg * p_u, -2 * error * p_u + 2 * reg * q_i)
"""


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader(locate()) as grader:
        yield grader


def score(grader: Grader, folder: Path, topic: str, code: str, exercise: str) -> Score:
    file = folder / f"{topic}.py"
    file.write_text(code)
    report = grader.grade(read_submission(file, grader.course), exercises=[exercise])
    return report.scores[0]


def failed(score: Score) -> set[str]:
    """The kinds of check that failed: the first word of their names."""
    return {o.check.split(" (")[0] for o in score.outcomes if o.status is not Status.PASSED}


def causes(score: Score) -> set[str]:
    return {o.failure.cause.name for o in score.outcomes if o.failure and o.failure.cause}


def test_convolution_backward_fails_on_four_counts(grader: Grader, tmp_path: Path) -> None:
    """Rotated twice, the stride ignored, the padding kept; and an integer kernel truncates the other."""
    found = score(grader, tmp_path, "convolution", CONVOLUTION, "conv2d_input_grad")
    assert found.status is Status.FAILED
    assert {"plain", "stride", "padding"} <= failed(found)
    assert any("common_backward" in cause for cause in causes(found))
    found = score(grader, tmp_path, "convolution", CONVOLUTION, "conv2d_weight_grad")
    assert found.status is Status.FAILED
    assert failed(found) == {"integer kernel", "integer input"}
    assert causes(found) <= {"conv2d_weight_grad__kernel_dtype", "integer"}
    assert causes(found)


def test_convolution_forward_passes_where_it_fits(grader: Grader, tmp_path: Path) -> None:
    """The forward loop is right but for the error of a kernel that does not fit."""
    found = score(grader, tmp_path, "convolution", CONVOLUTION, "conv2d")
    assert found.status is Status.FAILED
    assert all(o.failure is not None and "ValueError" in o.failure.headline
               for o in found.outcomes if o.status is not Status.PASSED)  # fmt: skip


def test_softmax_gives_nan_for_a_masked_row(grader: Grader, tmp_path: Path) -> None:
    """The stable softmax is right but for a slice that is all −inf."""
    found = score(grader, tmp_path, "softmax", SOFTMAX, "softmax")
    assert found.status is Status.FAILED
    assert failed(found) <= {"all masked", "float32 extremes"}
    assert causes(found) == {"softmax__all_masked_nan"}


def test_jacobian_that_takes_probabilities(grader: Grader, tmp_path: Path) -> None:
    """The Jacobian of probabilities, of one vector only, is told that z holds logits."""
    found = score(grader, tmp_path, "softmax", SOFTMAX, "softmax_jacobian")
    assert found.status is Status.FAILED
    assert "softmax_jacobian__takes_probabilities" in causes(found)


def test_attention_of_one_sequence(grader: Grader, tmp_path: Path) -> None:
    """2-D attention without a mask passes on plain values and fails on batches and masks."""
    found = score(grader, tmp_path, "attention", ATTENTION, "attention")
    assert found.status is Status.FAILED
    passed = {o.check for o in found.outcomes if o.status is Status.PASSED}
    assert passed
    assert any("mask" in check for check in failed(found))


@pytest.mark.parametrize("exercise", ["mf_sgd_step", "rating_grads"])
def test_factorization_update_is_right(grader: Grader, tmp_path: Path, exercise: str) -> None:
    """The update with the 2 absorbed, from the old vectors, and the gradients with the 2, are right."""
    found = score(grader, tmp_path, "matrix_factorization", FACTORIZATION, exercise)
    assert found.status is Status.PASSED, failed(found)


def test_topics_together_give_what_they_give_alone(grader: Grader, tmp_path: Path) -> None:
    """Graded together or one by one: the same checks, values and causes."""
    codes = {
        "convolution": CONVOLUTION,
        "softmax": SOFTMAX,
        "attention": ATTENTION,
        "matrix_factorization": FACTORIZATION,
    }
    for topic, code in codes.items():
        (tmp_path / f"{topic}.py").write_text(code)
    together = grader.grade(read_submission(tmp_path, grader.course), seed=3)
    for topic in codes:
        alone = grader.grade(read_submission(tmp_path / f"{topic}.py", grader.course), seed=3)
        scores = [s for s in together.scores if s.exercise.topic == topic]
        assert [s.status for s in scores] == [s.status for s in alone.scores]
        for one, other in zip(scores, alone.scores, strict=True):
            assert [(o.test, o.status, repr(o.failure)) for o in one.outcomes] == [
                (o.test, o.status, repr(o.failure)) for o in other.outcomes
            ]
