"""Makes `python -m agent` the same as `attune-agent`, for child processes of whatever environment runs the agent."""

from agent.cli import main

if __name__ == "__main__":
    main()
