module authentik-outpost-shm/outpost-stand-in

go 1.24.0
