"""``python -m trainer``. Job processes import this module again, so it imports nothing outside of the condition."""

if __name__ == "__main__":
    from trainer.preload import PRELOAD
    from wlops_common.jobs.forkserver_start import start_forkserver

    start_forkserver(PRELOAD)

    from trainer.app import main

    main()
