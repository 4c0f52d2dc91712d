"""Why a backup or a restore was refused."""


class BackupError(RuntimeError):
    """Nothing was made or changed; the message says why and what to do."""


class Refused(BackupError):
    """It cannot be done here, or would overwrite something."""


class Damaged(BackupError):
    """The file is not a whole backup."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The backup is damaged: {why} Nothing was restored.")


class Unproven(BackupError):
    """What was restored is not what was backed up; it was removed again."""
