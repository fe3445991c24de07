"""What a person sees while a run goes on: what is known of it, how that is drawn, and in which words."""
