"""The words do not depend on the processor: libvosk's OpenBLAS is told which kernels to take as it is loaded, and
the C library's choice of its own makes no difference. usage: cores.py AFFECT"""
import os, subprocess, sys

AFFECT = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
SPEECH, WORD = os.path.join(HERE, "../cases/muted-start/muted20.flac"), b'"letter"'
flags = next((line.split() for line in open("/proc/cpuinfo") if line.startswith("flags")), [])
if "avx2" not in flags or "fma" not in flags:
    print("skipped: no AVX2 here")
    sys.exit(77)
ok = True


def words(chosen=None, tunables=None):
    """The timeline, and which kernels OpenBLAS says that it took."""
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_CORETYPE"}
    environment["OPENBLAS_VERBOSE"] = "2"
    if chosen is not None:
        environment["OPENBLAS_CORETYPE"] = chosen
    if tunables:
        environment["GLIBC_TUNABLES"] = tunables
    run = subprocess.run([AFFECT, "analyze", SPEECH, "--no-face", "--no-voice", "--json"], env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    core = [line[6:] for line in run.stderr.decode().splitlines() if line.startswith("Core: ")]
    return run.stdout, core[0] if core else None


def check(what, fine):
    global ok
    ok &= fine
    print(f"{what}: {'as it should be' if fine else 'FAILED'}")


own, core = words()
check(f"kernels for AVX2 by themselves ({core})", core == "Haswell" and WORD in own)
check("Haswell's words", words("Haswell")[0] == own)
check("an empty choice is none", words("")[0] == own)
for without in ("-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ", "-AVX2,-FMA"):
    check(f"a C library on a processor with {without}", words(None, f"glibc.cpu.hwcaps={without}")[0] == own)
for name in ["Nehalem", "Sandybridge"] + (["SkylakeX"] if "avx512vl" in flags else []):
    text, core = words(name)
    check(f"{name} is the user's choice, and is not the same", core == name and text != own)
sys.exit(not ok)
