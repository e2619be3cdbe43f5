import sys, pathlib, errno, collections, concurrent.futures as cf
for n in ("harness","oracle","faults"): sys.path.insert(0, str(pathlib.Path(__file__).parents[1]/n))
import scenario, verdict, shimmed, model, tempfile, shutil, time
from shimmed import Fault
def template():
    t = scenario.Life(Fault()); t.start(); assert t.ready
    for f in model.LEARNT: t.calibrate(f)
    t.stop(); assert t.exit == 0, t.log
    return t.state
T = template()
base = scenario.Life(Fault(), T, trace="/tmp/ft/tr").run() if not pathlib.Path("/tmp/ft/tr").unlink(missing_ok=True) else 0
print("reference", verdict.judge(base), base.exit, base.report.counts, base.given_up, base.losses, base.silences)
st = shimmed.stacks("/tmp/ft/tr")
print({k: (len(v), len(set(v))) for k,v in st.items()})
if len(sys.argv) > 2:
    fam, err, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    err = 0 if err == "half" else getattr(errno, err)
    spec = sys.argv[4] if len(sys.argv) > 4 else "all"
    N = base.report.counts[fam]
    if spec == "all": ns = range(1, N+1)
    elif spec == "stacks":
        seen = {}; 
        for i, s in enumerate(st[fam]): seen.setdefault(s, i+1)
        ns = sorted(seen.values())
    elif spec.startswith("/"): ns = range(1, N+1, int(spec[1:]))
    else: ns = [int(x) for x in spec.split(",")]
    t0=time.time(); bad = collections.OrderedDict()
    def one(n):
        l = scenario.Life(Fault(fam, n, err, times), T).run(); b = verdict.judge(l); 
        return n, l, b
    with cf.ThreadPoolExecutor(4) as ex:
        for n, l, b in ex.map(one, ns):
            if b:
                key = "|".join(x.split("\n")[0][:100] for x in b)+" @ "+" < ".join(shimmed.named(l.report.stack)[:int(sys.argv[5]) if len(sys.argv)>5 else 7])
                bad.setdefault(key, []).append(n)
                if spec[0].isdigit(): print("\n".join(b)); print(l.log); print(l.losses, l.silences, l.given_up, l.refusals)
            l.remove()
    for k,v in bad.items(): print(len(v), v[:5], k)
    print(len(ns), "runs", time.time()-t0)
base.remove()
