#include "cli/bench.h"
#include "cli/camera.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/prototypes.h"
#include "cli/replay.h"
#include "cli/soak.h"
#include "cli/status.h"
#include "cli/subcommand.h"

#define BANK_HELP "  --bank NAME    default: default\n"

const struct subcommand subcommands[] = {
    {.name = "replay",
     .arguments = "RECORDING[SLICE] [OPTIONS]",
     .summary = "send a recording, score what comes back",
     .help =
         "Sends the frames of a recording (a folder of probs.npy, meta.json and, to score,\n"
         "labels.npy), each after the labels of the last one, into a fresh domain that is deleted\n"
         "afterwards. Ends with what was labelled and how fast and, where the truth is known,\n"
         "with mIoU, pixel accuracy and IoU of argmax and calibrated labels, in percent.\n"
         "Slices are Python's: dusk[0:62], dusk[62::2].\n"
         "\n"
         "With --streams N that many cameras send at once, each into a fresh domain of its own, "
         "at\n"
         "a rate with their phases spread; it ends with a line each and their sums.\n"
         "\n"
         "  --stream NAME    the camera's name (default: replay)\n"
         "  --streams N      NAME-0 to NAME-(N-1); a bank has a limit of domains: see --domain\n"
         "  --domain NAME    adapt and label with this domain, which stays\n"
         "  --keep           keep the fresh domain\n"
         "  --rate FPS|max   each camera at this rate, or as fast as they are taken; the daemon "
         "drops\n"
         "                   what it cannot label in time\n"
         "  --loop N         the recording N times\n"
         "  --save DIR       the label maps as argmax.npy and calibrated.npy\n"
         "\n"
         "Example:\n"
         "  labelcal replay 'recordings/dusk[0:62]' --save labels\n"
         "  labelcal replay recordings/dusk --streams 6 --rate 10\n",
     .run = replay_run},
    {.name = "camera",
     .arguments = "[OPTIONS]",
     .summary = "be a camera: a street scene, segmented, sent, scored",
     .help =
         "For machines without a camera: a street scene with exact labels, segmented by a small\n"
         "network that was trained on its day, and sent as any camera sends, into the stream's\n"
         "domain. Ends with mIoU and pixel accuracy of argmax and calibrated labels, in percent.\n"
         "Classes are Cityscapes' nineteen: the daemon's model must have them (its default has).\n"
         "\n"
         "  --condition NAME  day, dusk, fog or noise; default: day\n"
         "  --drift A:B:N     from condition A to B over N frames, then B\n"
         "  --frames N        so many; default: until interrupted\n"
         "  --rate FPS|max    default: 10; max: as fast as they are drawn\n"
         "  --lock-step       each frame after the labels of the last one: none is missed\n"
         "  --seed N          another street; default: 1\n"
         "  --type TYPE       of the tensor: f32 (default), f16, bf16 or u8\n"
         "  --layout LAYOUT   of the tensor: CHW (default) or HWC\n"
         "  --stream NAME     the camera's name; default: camera\n"
         "  --domain NAME     adapt and label with this domain; default: the stream's\n"
         "  --record DIR      write a recording, with the exact labels\n"
         "  --no-send         ask no daemon: record, or score the argmax alone\n"
         "  --picture FILE    the last frame as PNG: photograph, truth, argmax, calibrated\n"
         "\n"
         "Example:\n"
         "  labelcal camera --drift day:dusk:200 --frames 300 --lock-step\n",
     .run = camera_run},
    {.name = "status",
     .arguments = "",
     .summary = "the daemon, its banks, streams and last snapshots",
     .help =
         "Prints what runs, since when and on what; each bank's rule and domains with what they\n"
         "have seen; the streams (see labelcal streams --help); and the last snapshots.\n"
         "\n"
         "Example:\n"
         "  labelcal status --json | jq .banks\n",
     .run = status_run},
    {.name = "streams",
     .arguments = "",
     .summary = "every stream: state, counters, latency",
     .help =
         "Prints a line for each stream. Over an unbroken connection every frame sent is one of\n"
         "  labelled  labels were published\n"
         "  dropped   a newer frame came, its deadline passed, or too much was waiting\n"
         "  refused   broken or not for this model: the daemon's log and metrics say why\n"
         "  lost      never arrived: the sender's numbers have a gap\n"
         "dup counts numbers that came twice. Latency is from receipt to publication, of the\n"
         "newest frames. The mode stands behind the state where that does not tell it.\n"
         "A second table tells of all frames since the start how long they waited for their turn,\n"
         "how long they were computed, from the start of that until the labels were out, and the\n"
         "whole; the gaps between label maps; and why frames were dropped.\n"
         "\n"
         "Example:\n"
         "  labelcal streams\n",
     .run = streams_run},
    {.name = "prototypes",
     .arguments = "[--bank NAME] [--domain NAME]",
     .summary = "what a domain has learnt about each class",
     .help =
         "Prints each class's evidence, entropy, nearest rival and threshold, and the matrix of\n"
         "prototypes. With --json also the sums (flat arrays, row by row).\n"
         "\n" BANK_HELP "  --domain NAME  default: default\n"
         "\n"
         "Example:\n"
         "  labelcal prototypes --domain night\n",
     .run = prototypes_run},
    {.name = "snapshot",
     .arguments = "[--bank NAME]",
     .summary = "write a generation now",
     .help = "Writes a snapshot, changed or not, and returns once it is durable.\n"
             "\n"
             "  --bank NAME    default: every bank\n"
             "\n"
             "Example:\n"
             "  labelcal snapshot\n",
     .run = snapshot_run},
    {.name = "generations",
     .arguments = "[--bank NAME]",
     .summary = "the snapshots on disk",
     .help = "Prints the bank's snapshots: number, time, frames, size.\n"
             "\n" BANK_HELP "\n"
             "Example:\n"
             "  labelcal generations --bank rear\n",
     .run = generations_run},
    {.name = "rollback",
     .arguments = "GENERATION [--bank NAME]",
     .summary = "go back to a snapshot",
     .help = "Puts the statistics of a generation in place of the present ones; domains it lacks\n"
             "become empty. Versions still go up. It is durable when the command returns.\n"
             "\n" BANK_HELP "\n"
             "Example:\n"
             "  labelcal rollback 41\n",
     .run = rollback_run},
    {.name = "freeze",
     .arguments = "[STREAM]",
     .summary = "label, but learn nothing",
     .help =
         "The stream, or every one, is labelled with the prototypes as they are; no frame of it\n"
         "is committed. Until labelcal resume, or a restart.\n"
         "\n"
         "Example:\n"
         "  labelcal freeze front\n",
     .run = mode_run},
    {.name = "resume",
     .arguments = "[STREAM]",
     .summary = "label and learn: the end of freeze, shadow, bypass",
     .help = "The stream, or every one, is in the mode adapt from now on.\n"
             "\n"
             "Example:\n"
             "  labelcal resume\n",
     .run = mode_run},
    {.name = "shadow",
     .arguments = "[STREAM]",
     .summary = "publish the argmax, learn, show calibration beside it",
     .help = "The stream, or every one, publishes the model's argmax and goes on learning; the\n"
             "calibrated map stands under its own key where it is wanted. How to try calibration\n"
             "without trusting it. Until labelcal resume, or a restart.\n"
             "\n"
             "Example:\n"
             "  labelcal shadow front\n",
     .run = mode_run},
    {.name = "bypass",
     .arguments = "[STREAM]",
     .summary = "publish the argmax, learn nothing",
     .help = "The stream, or every one, publishes the model's argmax and commits nothing. Until\n"
             "labelcal resume, or a restart.\n"
             "\n"
             "Example:\n"
             "  labelcal bypass\n",
     .run = mode_run},
    {.name = "reset",
     .arguments = "[--bank NAME] [--domain NAME] [--class INDEX|NAME]",
     .summary = "forget statistics",
     .help = "Forgets what was learnt and prints the new versions. It is durable when the command\n"
             "returns; labelcal rollback brings it back.\n"
             "\n" BANK_HELP "  --domain NAME  default: every domain of the bank\n"
             "  --class CLASS  one class alone, by its index or name\n"
             "\n"
             "Example:\n"
             "  labelcal reset --domain night --class car\n",
     .run = reset_run},
    {.name = "domain",
     .arguments = "STREAM DOMAIN | --delete DOMAIN [--bank NAME]",
     .summary = "choose a stream's domain, or delete one",
     .help = "The stream learns in the domain and is labelled by it from now on; a domain that is\n"
             "not there is created, empty. Prints the one before.\n"
             "\n"
             "  --delete DOMAIN  forget a domain; default cannot be deleted\n"
             "  --bank NAME      of the domain to delete; default: default\n"
             "\n"
             "Examples:\n"
             "  labelcal domain front night\n"
             "  labelcal domain --delete night\n",
     .run = domain_run},
    {.name = "set-rule",
     .arguments = "RULE [--bank NAME]",
     .summary = "decide by another rule",
     .help = "The bank decides by this rule until a reload changes the configuration's. Rules:\n"
             "euclidean (the nearest prototype), kl (the likeliest one). Prints the one before.\n"
             "\n" BANK_HELP "\n"
             "Example:\n"
             "  labelcal set-rule kl\n",
     .run = set_rule_run},
    {.name = "load",
     .arguments = "FILE [--bank NAME] [--domain NAME] [--add|--replace] [--from DOMAIN]",
     .summary = "bring a file's statistics into the daemon",
     .help =
         "Reads a snapshot or statistics file and puts its statistics into a domain, which is\n"
         "created if it is not there. The file must be of the daemon's model and classes. It is\n"
         "durable when the command returns.\n"
         "\n" BANK_HELP "  --domain NAME  of the daemon; default: default\n"
         "  --replace      in place of what the domain has learnt (default)\n"
         "  --add          to it\n"
         "  --from DOMAIN  of the file, where it has several\n"
         "\n"
         "Example:\n"
         "  labelcal load fleet.snapshot --add\n",
     .run = load_run},
    {.name = "reload",
     .arguments = "",
     .summary = "read the configuration again",
     .help =
         "Prints the keys that changed, and those that changed but need a restart. A file with\n"
         "an error changes nothing.\n"
         "\n"
         "Example:\n"
         "  labelcal reload\n",
     .run = reload_run},
    {.name = "inspect",
     .arguments = "FILE [--domain NAME]",
     .summary = "what a snapshot file knows (offline)",
     .help = "Prints what a snapshot or statistics file holds: each class's evidence, entropy,\n"
             "nearest rival and threshold (by the file's rule, at the default min_weight and\n"
             "sum_tolerance, no class protected), and the matrix of prototypes.\n"
             "\n"
             "  --domain NAME  one domain of several; default: all\n"
             "\n"
             "Example:\n"
             "  labelcal inspect /var/lib/labelcal/default/000000000041.snapshot\n",
     .run = inspect_run},
    {.name = "merge",
     .arguments = "FILE... -o OUT [--domain NAME]",
     .summary = "add the statistics of files (offline)",
     .help =
         "Writes the sum of the files' statistics, as bank and domain default, generation 0. All\n"
         "must be of one model and class list; the rule is the first one's. OUT appears whole\n"
         "or not at all, and may be one of the files.\n"
         "\n"
         "  -o, --output OUT  the file to write\n"
         "  --domain NAME     of each file, where one has several\n"
         "\n"
         "Example:\n"
         "  labelcal merge car1.snapshot car2.snapshot -o fleet.snapshot\n",
     .run = merge_run},
    {.name = "soak",
     .arguments = "[OPTIONS]",
     .summary = "trouble a labelcald of its own, and see that all adds up",
     .help =
         "Starts a labelcald in a directory of its own and troubles it: cameras whose frames are\n"
         "of every type, late, refused or missing, and of which every third hangs up and dials\n"
         "again; planners that stall and die; commands, snapshots, rollbacks and reloads without\n"
         "end. It fails (status 1) unless, for each camera over an unbroken connection,\n"
         "  sent = labelled + dropped + refused + lost\n"
         "to the frame (what dialling again swallowed is told apart), every command is answered,\n"
         "label maps are whole and in order, and neither memory nor descriptors grow. Then the\n"
         "directory, with labelcald's log, stays.\n"
         "\n"
         "  --minutes M    so long; default: 3\n"
         "  --cameras N    default: 4\n"
         "  --rate FPS     of each camera; default: 10\n"
         "  --daemon FILE  the labelcald; default: the one beside labelcal\n"
         "  --clock FILE   libfaketimeMT.so.1, by which the daemon's wall clock is stepped\n"
         "\n"
         "Example:\n"
         "  labelcal soak --minutes 60 --cameras 8\n",
     .run = soak_run},
    {.name = "bench",
     .arguments = "[OPTIONS]",
     .summary = "how fast this machine labels, beside how fast it reads",
     .help =
         "Needs no daemon. For tensors of several sizes, in every type and layout, in turn: "
         "reading\n"
         "the same bytes, the argmax alone, labels with every pixel scored, labels by "
         "certificate,\n"
         "and those with statistics, as the daemon does it; with one thread and with all. Frames\n"
         "are side by side, more classes by splitting some; prototypes are from earlier frames.\n"
         "Of a recording the first 30 frames (half, if it is short) make the prototypes.\n"
         "\n"
         "  --recording DIR  real data; default: the embedded camera's, at dusk\n"
         "  --case PREFIX    only cases whose names begin so; may be said again. Names are\n"
         "                   CxHxW/TYPE/LAYOUT, such as 19x1024x2048/f32/CHW, and upsampled\n"
         "  --threads N      with so many; default: with 1, then with all\n"
         "  --seconds N      about so long in all; default: 120\n"
         "\n"
         "Example:\n"
         "  labelcal bench --case 19x1024x2048/f32 --case upsampled --seconds 20\n",
     .run = bench_run},
};

const size_t subcommand_count = sizeof subcommands / sizeof *subcommands;
