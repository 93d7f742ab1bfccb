"""``python -m trainer``. Job processes import this module again, so it imports nothing outside of the condition."""

if __name__ == "__main__":
    from trainer.app import main

    main()
