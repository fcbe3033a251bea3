"""Makes `python -m cloud_trainer` the same as `attune-trainer`, for child processes of whatever environment runs it."""

from cloud_trainer.cli import main

if __name__ == "__main__":
    main()
