"""The scenes of ./up, in the order they are played.  A new one is a file and a row."""
import scene_neighbour
import scene_quarantine
import scene_repair
import scene_strangers
import scene_tamper
import scene_telemetry

SCENES = [
    ("telemetry", scene_telemetry.play),
    ("tamper", scene_tamper.play),
    ("repair", scene_repair.play),
    ("strangers", scene_strangers.play),
    ("neighbour", scene_neighbour.play),
    ("quarantine", scene_quarantine.play),
]
