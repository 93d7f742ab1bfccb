"""``python -m evaluator``. Job processes import this module again, so it imports nothing outside of the condition."""

if __name__ == "__main__":
    from evaluator.app import main

    main()
