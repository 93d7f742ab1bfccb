"""``python -m data_optimizer``. Job processes import this module again, so it imports nothing outside of the condition."""

if __name__ == "__main__":
    from data_optimizer.preload import PRELOAD
    from wlops_common.jobs.forkserver_start import start_forkserver

    start_forkserver(PRELOAD)

    from data_optimizer.app import main

    main()
