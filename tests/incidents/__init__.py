"""The shipped alerts, judged by the incidents that the simulator plants."""
