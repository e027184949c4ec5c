"""Writes stats.json for the tests of host/stats: inputs, SciPy's answers, and the versions used.

Usage: python3 make_stats_goldens.py > stats.json
"""
import json
import platform

import numpy
import scipy
from scipy import stats

rng = numpy.random.default_rng(7)


def proportions():
    cases = [(10, 20), (0, 20), (1, 20), (3, 20), (20, 20), (13, 60), (10, 60), (0, 2), (683, 1172), (9500, 11873)]
    out = []
    for k, n in cases:
        test = stats.binomtest(k, n)
        wilson = test.proportion_ci(0.95, "wilson")
        exact = test.proportion_ci(0.95, "exact")
        out.append({"k": k, "n": n, "wilson": [wilson.low, wilson.high], "exact": [exact.low, exact.high]})
    return out


def mcnemar():
    cases = [(10, 0), (8, 1), (12, 3), (6, 0), (5, 0), (70, 45), (0, 0), (300, 250)]
    return [{"lost": b, "gained": c, "p": 1.0 if b + c == 0 else stats.binomtest(b, b + c).pvalue} for b, c in cases]


def distributions():
    return {
        "normal_quantile": [[p, stats.norm.ppf(p)] for p in (1e-12, 1e-5, 0.001, 0.025, 0.2, 0.5, 0.8, 0.975, 0.9999)],
        "beta_quantile": [[p, a, b, stats.beta.ppf(p, a, b)]
                          for p, a, b in ((0.025, 1, 20), (0.975, 10, 11), (0.5, 0.5, 0.5), (0.025, 9500, 2374))],
        "student_t_quantile": [[p, v, stats.t.ppf(p, v)] for p, v in ((0.975, 1), (0.975, 5), (0.95, 23), (0.9, 1000))],
        "binomial_cdf": [[k, n, p, stats.binom.cdf(k, n, p)] for k, n, p in ((3, 10, 0.5), (45, 115, 0.5), (0, 30, 0.1))],
    }


def bootstraps():
    """Returns BCa and percentile limits from many replicates. The test allows them to differ by a small
    share of the interval's width."""
    out = []
    for name, values in (("normal", rng.normal(0.08, 0.01, 32)), ("skewed", rng.lognormal(0, 1.0, 60)),
                         ("items", rng.choice([-1.0, 0.0, 1.0], 400, p=[0.06, 0.9, 0.04]))):
        case = {"name": name, "values": [float(v) for v in values]}
        for method in ("BCa", "percentile"):
            ci = stats.bootstrap((values,), numpy.mean, n_resamples=100000, batch=2000, method=method,
                                 random_state=1).confidence_interval
            case[method] = [float(ci.low), float(ci.high)]
        out.append(case)
    return out


def permutations():
    out = []
    for values in (rng.normal(0.3, 1, 12), rng.normal(0.2, 1, 60)):
        test = stats.permutation_test((values, numpy.zeros_like(values)), lambda a, b: numpy.mean(a - b),
                                      permutation_type="samples", n_resamples=100000, random_state=2)
        out.append({"values": [float(v) for v in values], "p": float(test.pvalue)})
    return out


def multiplicity():
    p = [0.01, 0.04, 0.03, 0.005, 0.2, 0.5, 0.04]
    return {"p": p, "benjamini_hochberg": [float(v) for v in stats.false_discovery_control(p, method="bh")]}


print(json.dumps({
    "made_with": {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__},
    "proportions": proportions(), "mcnemar": mcnemar(), "distributions": distributions(), "bootstraps": bootstraps(),
    "permutations": permutations(), "multiplicity": multiplicity()}, indent=1))
