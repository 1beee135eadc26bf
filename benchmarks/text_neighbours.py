"""Do the hashed text vectors put tasks beside their like? Into text-neighbours.json.

    python benchmarks/text_neighbours.py [--out benchmarks/results/text-neighbours.json]

Counts the tasks whose nearest neighbour is of the same domain, beside chance. DMControl and its
extension share their bodies, so the two are also counted as one domain.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from newt_core.encoders import make_text_encoder
from newt_core.encoders.text.neighbours import neighbours
from newt_core.files import write_json
from newt_core.specs import load_specs
from newt_core.version import git_version

RESULTS = Path(__file__).parent / "results"
COUNT = 3
EXAMPLES = ("walker-walk", "walker-run", "mw-door-open", "mw-door-close", "pygame-pong")


def main() -> None:
    """Compute, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS / "text-neighbours.json")
    parser.add_argument("--encoder", default="hashed")
    arguments = parser.parse_args()

    tasks = load_specs().select("*")
    encoder = make_text_encoder(arguments.encoder)
    vectors = encoder.encode_tasks(tasks)
    ids, domains = [task.id for task in tasks], [task.domain for task in tasks]
    found = neighbours(ids, domains, vectors, COUNT)
    joined = neighbours(ids, [name.removesuffix("-ext") for name in domains], vectors, COUNT)
    domain_of = dict(zip(ids, domains, strict=True))
    hits: Counter[str] = Counter()
    for task, near in found.nearest.items():
        hits[domain_of[task]] += domain_of[near[0]] == domain_of[task]
    document = {
        "encoder": encoder.name,
        "commit": git_version(),
        "tasks": len(ids),
        "same_domain": found.same_domain,
        "chance": found.chance,
        "dmcontrol_and_extension_as_one": {
            "same_domain": joined.same_domain,
            "chance": joined.chance,
        },
        "per_domain": {name: hits[name] / count for name, count in Counter(domains).items()},
        "examples": {task: found.nearest[task] for task in EXAMPLES},
        "other_domain": {
            task: near[0]
            for task, near in found.nearest.items()
            if domain_of[near[0]] != domain_of[task]
        },
    }
    write_json(arguments.out, document)


if __name__ == "__main__":
    main()
