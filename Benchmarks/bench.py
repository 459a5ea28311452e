#!/usr/bin/env python3
"""bench.py --mailarc BINARY [--scale 0.1] [--runs 3] [--only WORDS] [--scaling N] [--keep FOLDER]

Speed, memory and size of mailarc beside the field's tools, on one made-up corpus (corpus.py) that a private Dovecot
serves on loopback. Runs are interleaved: every contender once, then every contender again, each time into an empty
place; what each has afterwards is counted, and one that lacks messages is reported as failed. Prints medians and, at the
end, every ratio beside its target. Tools that are not on PATH are named as not installed.

--scaling N instead measures two imports of N small messages, one after the other into one archive.
"""
import argparse
import os
import statistics
import sys

from capture import Capture
from lab import Lab, octets_below, ratio
from peers import CONTENDERS, Mailarc
from sync import MailarcSync, Sync
from upkeep import Upkeep, scaling, text_sizes

PHASES = {"first": "first run", "nothing": "nothing changed", "plus10": "ten new messages"}


class Results:
    def __init__(self):
        self.times = {phase: {} for phase in PHASES}
        self.sizes, self.failures = {}, {}

    def median(self, phase, name, field="wall"):
        values = [getattr(measure, field) for measure in self.times[phase].get(name, [])]
        return statistics.median(values) if values else None

    def size(self, name):
        return statistics.median(self.sizes[name]) if name in self.sizes else None


def count_or_fail(contender, lab):
    found, wanted = contender.messages(lab), lab.messages
    if found < wanted * contender.share:
        raise RuntimeError("%s has %d of %d messages" % (contender.name, found, wanted))


def measure_one(lab, contender, number, results):
    contender.prepare(lab)
    for phase in contender.phases:
        made = lab.add_messages(number * 100 + len(results.times[phase])) if phase == "plus10" else []
        results.times[phase].setdefault(contender.name, []).append(contender.measure(lab, phase))
        count_or_fail(contender, lab)
        if phase == "first" and getattr(contender, "size", None):
            results.sizes.setdefault(contender.name, []).append(contender.size())
        lab.remove_messages(made)


def measure_all(lab, contenders, upkeep_wanted, runs):
    """A contender that fails is reported and left out of the rest."""
    results, upkeep = Results(), Upkeep(lab, None)
    for number in range(runs):
        for contender in contenders:
            if contender.name in results.failures:
                continue
            try:
                measure_one(lab, contender, number, results)
                if upkeep_wanted and type(contender) is Mailarc:
                    upkeep.archive = contender.archive
                    upkeep.run()
                print("run %d: %s" % (number + 1, contender.name), file=sys.stderr)
            except RuntimeError as error:
                results.failures[contender.name] = str(error).splitlines()
                print("failed: %s" % error, file=sys.stderr)
    return results, upkeep


def print_times(results):
    for phase, title in PHASES.items():
        if not results.times[phase]:
            continue
        own = results.median(phase, Mailarc.name)
        print("\n%s\n\n| tool | wall s | CPU s | peak MiB | mailarc : tool |\n|---|---|---|---|---|" % title)
        for name in results.times[phase]:
            wall = results.median(phase, name)
            print("| %s | %.2f | %.2f | %.0f | %s |" % (
                name, wall, results.median(phase, name, "cpu"), results.median(phase, name, "memory"),
                "%.2f" % (own / wall) if own else "-"))


def print_sizes(lab, results):
    print("\nat rest\n\n| store | MiB | of the mail |\n|---|---|---|\n| the Maildir | %.1f | 100.0 %% |" % (
        lab.source_octets / 2 ** 20))
    for name in results.sizes:
        print("| %s | %.1f | %.1f %% |" % (
            name, results.size(name) / 2 ** 20, 100 * results.size(name) / lab.source_octets))


def print_upkeep(upkeep):
    if upkeep.figures:
        print("\nupkeep\n\n| what | wall s | CPU s | peak MiB |\n|---|---|---|---|")
    for name in upkeep.figures:
        print("| %s | %.2f | %.2f | %.0f |" % (
            name, upkeep.median(name), upkeep.median(name, "cpu"), upkeep.median(name, "memory")))


def ratios(results, upkeep, texts):
    """Name, value, target, and whether it is to be reached from below."""
    pull = lambda name, phase="first": ratio(results.median(phase, Mailarc.name), results.median(phase, name))
    stored = lambda name: ratio(results.size(Mailarc.name), results.size(name))
    speed = lambda own, other: ratio(upkeep.median(other), upkeep.median(own))
    memory = [measure.memory for phase in PHASES for measure in results.times[phase].get(Mailarc.name, [])]
    yield "first pull : doveadm backup", pull("doveadm backup (imapc)"), 0.75, True
    yield "first pull : fetch and discard", pull("fetch and discard"), 2.0, True
    yield "first pull : imapsync", pull("imapsync (to the same server)"), 0.15, True
    yield "first pull : fetch and discard, both TLS", ratio(
        results.median("first", "mailarc pull, TLS"), results.median("first", "fetch and discard, TLS")), 1.5, True
    yield "nothing changed : mbsync", pull("mbsync", "nothing"), 0.5, True
    yield "ten new : mbsync", pull("mbsync", "plus10"), 1.0, True
    yield "at rest : mdbox + zstd + SIS", stored("Dovecot mdbox + zstd + SIS"), 1.0, True
    yield "at rest : borg", stored("borg zstd,3 (of the Maildir)"), 0.75, True
    yield "at rest : restic", stored("restic (of the Maildir)"), 0.62, True
    if texts:
        yield "texts, without index : raw", texts[1] / texts[0], 0.4, True
        yield "texts, with index : raw", texts[2] / texts[0], 0.75, True
    yield "speed of check : sha256sum", speed("check", "sha256sum"), 0.5, False
    yield "speed of rebuild-catalog : notmuch new", speed("rebuild-catalog", "notmuch new"), 3.0, False
    yield "speed of compact : cp", speed("compact", "cp of what compact wrote"), 0.5, False
    yield "speed of backup : cp", speed("backup", "cp"), 0.5, False
    yield "erase one message, s", upkeep.median("erase one"), 0.3, True
    yield "peak memory of a pull, MiB", max(memory) if memory else None, 128, True


def print_ratios(rows):
    print("\nall ratios\n\n| what | measured | target | |\n|---|---|---|---|")
    for name, value, target, is_below in rows:
        if value is None:
            print("| %s | not measured | %s %g | |" % (name, "≤" if is_below else "≥", target))
            continue
        is_met = value <= target if is_below else value >= target
        print("| %s | %.2f | %s %g | %s |" % (name, value, "≤" if is_below else "≥", target, "" if is_met else "**missed**"))


def compare(options):
    words = options.only.split(",") if options.only else [""]
    chosen = [kind for kind in CONTENDERS if any(word in kind.name for word in words)]
    lab = Lab(options)
    try:
        lab.source_octets = octets_below(lab.maildir)
        print("%d messages, %.1f MiB, %d cores, load %.1f" % (
            lab.messages, lab.source_octets / 2 ** 20, os.cpu_count(), os.getloadavg()[0]))
        contenders = [kind() for kind in chosen if not kind.missing()]
        results, upkeep = measure_all(lab, contenders, not options.only, options.runs)
        texts = text_sizes(lab) if not options.only else None
        print_times(results)
        print_sizes(lab, results)
        print_upkeep(upkeep)
        sync = Sync(lab)
        if not options.only:
            sync.run(options.runs)
            sync.print()
        capture = Capture(lab)
        if not options.only:
            capture.run(options.runs)
            capture.print()
        print_ratios([
            *ratios(results, upkeep, texts), *(() if options.only else (*sync.ratios(), *capture.ratios()))])
    finally:
        lab.close()
    for kind in chosen:
        if kind.missing():
            print("%s: not installed (%s)" % (kind.name, ", ".join(kind.missing())))
    for note in sorted(set(upkeep.notes)):
        print(note)
    for name, lines in results.failures.items():
        print("%s: failed: %s" % (name, lines[-1] if lines else ""))
    if Mailarc.name in results.failures:
        sys.exit(1)


def compare_capture(options):
    lab = Lab(options, serves=False)
    try:
        print("%d cores, load %.1f" % (os.cpu_count(), os.getloadavg()[0]))
        capture = Capture(lab)
        capture.run(options.runs)
        capture.print()
        print_ratios(capture.ratios())
    finally:
        lab.close()


def compare_syncs(options):
    lab = Lab(options)
    try:
        sync = Sync(lab)
        print("%d messages, %.1f MiB, %d cores, load %.1f" % (
            lab.messages, octets_below(lab.maildir) / 2 ** 20, os.cpu_count(), os.getloadavg()[0]))
        sync.run(options.runs)
        sync.print()
        print_ratios(sync.ratios())
    finally:
        lab.close()
    if any(name == MailarcSync.name for name, _ in sync.failures):
        sys.exit(1)


def grow(options):
    lab = Lab(options, serves=False)
    try:
        (first, second), archive = scaling(lab, options.scaling)
        for name, measure in (("first", first), ("second", second)):
            print("%s %d: %.3f ms a message, %.3f ms CPU, %.0f MiB" % (
                name, options.scaling, 1e3 * measure.wall / options.scaling, 1e3 * measure.cpu / options.scaling,
                measure.memory))
        print_ratios([
            ("time of the second half : the first", second.wall / first.wall, 1.15, True),
            ("CPU of the second half : the first", second.cpu / first.cpu, 1.15, True),
            ("peak memory, MiB", max(first.memory, second.memory), 128, True)])
        print("%.1f MiB at rest, %.1f of it the index" % (
            octets_below(archive.path) / 2 ** 20, octets_below(archive.path + "/catalog") / 2 ** 20))
    finally:
        lab.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mailarc", required=True, type=os.path.abspath)
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="comma-separated words; contenders whose name holds one of them, and no upkeep; "
                        "'sync', 'capture': only what sync.py or capture.py measures")
    parser.add_argument("--scaling", type=int, metavar="N")
    parser.add_argument("--keep", help="make the corpus in this folder (short path) and keep it for the next time")
    options = parser.parse_args()
    if options.scaling:
        grow(options)
    elif options.only == "capture":
        compare_capture(options)
    elif options.only == "sync":
        compare_syncs(options)
    else:
        compare(options)


main()
