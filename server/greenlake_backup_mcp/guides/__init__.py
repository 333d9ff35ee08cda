"""What teaches the use of the tools: prompts, resources, completions."""
